//! What is known of all lines of a host or of a file without looking at them: the operating system, and the container
//! whose output a file holds. Names are OpenTelemetry's (semantic conventions, resource: host, os, k8s, container).
//! No network and no API of a cluster or a cloud: only the path, and two small files.

mod container;
mod os;

use std::io::Read;
use std::path::Path;

use millpond_wire::names;

use crate::limits;

/// Names and values.
pub type Fields = Vec<(&'static str, String)>;

/// What every line of this host carries. `with_system`: more than its name.
pub fn of_host(host_name: String, with_system: bool) -> Fields {
    let mut fields = vec![(names::HOST_NAME, host_name)];
    if with_system {
        let release = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| read(Path::new(path), limits::OS_RELEASE_BYTES_MAX));
        fields.extend(os::fields(release.as_deref().unwrap_or_default()));
    }
    fields
}

/// What the path of a file says of who writes it; nothing for most.
pub fn of_path(path: &Path) -> Fields {
    let mut fields = path.to_str().map(container::of_path).unwrap_or_default();
    if fields.iter().any(|(name, _)| *name == container::ID) && fields.len() == 1 {
        // A container of Docker's own, which tells its name in a file beside the log.
        let config = path.parent().map(|directory| directory.join("config.v2.json"));
        let config = config.and_then(|path| read(&path, limits::CONTAINER_CONFIG_BYTES_MAX));
        fields.extend(config.as_deref().and_then(container::docker_name));
    }
    let service =
        fields.iter().find(|(name, _)| container::NAMES.contains(name)).map(|(_, value)| value.clone());
    fields.extend(service.map(|service| (names::SERVICE_NAME, service)));
    fields
}

/// A small file; `None` when it can't be read, is larger, or isn't text.
fn read(path: &Path, bytes_max: u64) -> Option<String> {
    let mut text = String::new();
    let file = crate::tail::inspect::open_regular(path).ok()?;
    file.take(bytes_max + 1).read_to_string(&mut text).ok()?;
    (text.len() as u64 <= bytes_max).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_of_docker_tells_its_name_beside_its_log() {
        let root = tempfile::tempdir().unwrap();
        let id = "4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736";
        let directory = root.path().join("containers").join(id);
        std::fs::create_dir_all(&directory).unwrap();
        let log = directory.join(format!("{id}-json.log"));
        assert_eq!(of_path(&log), [("container.id", id.to_owned())]);
        let config = directory.join("config.v2.json");
        std::fs::write(&config, r#"{"ID":"x","Name":"/shop-web-1"}"#).unwrap();
        let named = [("container.id", id), ("container.name", "shop-web-1"), ("service.name", "shop-web-1")];
        assert_eq!(of_path(&log), named.map(|(name, value)| (name, value.to_owned())));
        std::fs::write(&config, r#"{"Name":"/a"}"#.to_owned() + &" ".repeat(1 << 20)).unwrap();
        assert_eq!(of_path(&log).len(), 1, "a file that is too large is no such file");
    }

    #[test]
    fn a_host_says_what_it_is() {
        let fields = of_host("web-01".into(), true);
        let value = |name: &str| fields.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
        assert_eq!((value("host.name"), value("os.type")), (Some("web-01"), Some("linux")));
        assert!(value("host.arch").is_some_and(|arch| !arch.is_empty()));
        assert_eq!(of_host("web-01".into(), false), [("host.name", "web-01".to_owned())]);
    }
}
