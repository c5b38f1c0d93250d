//! Paths of containers' logs, as the kubelet and Docker lay them out. Pure.

use super::Fields;

/// Of the container.
pub(super) const ID: &str = "container.id";
const CONTAINER: &str = "k8s.container.name";
const DOCKER_NAME: &str = "container.name";
const NAMESPACE: &str = "k8s.namespace.name";
const POD: &str = "k8s.pod.name";
const POD_UID: &str = "k8s.pod.uid";
const RESTARTS: &str = "k8s.container.restart_count";

/// Fields that name what runs in the container; the service is called so unless someone says otherwise.
pub(super) const NAMES: [&str; 2] = [CONTAINER, DOCKER_NAME];

/// Digits of a container's id.
const ID_DIGITS: usize = 64;

/// What a path says; nothing where it isn't laid out as a container's is. Where the directories hang (`/var/log`,
/// or a mount of it) is not looked at.
pub(super) fn of_path(path: &str) -> Fields {
    let mut parts = path.rsplit('/');
    let (file, parent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (third, fourth) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let fields = if fourth == "pods" {
        pod(third, parent, file)
    } else if parent == "containers" {
        link(file)
    } else if third == "containers" {
        docker(parent, file)
    } else {
        None
    };
    let fields = fields.unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// `pods/<namespace>_<pod>_<uid>/<container>/<restarts>.log`; rotated ones go on with a date. Kubernetes' names have
/// no `_`.
fn pod<'p>(pod: &'p str, container: &'p str, file: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let mut parts = pod.split('_');
    let (namespace, name, uid) = (parts.next()?, parts.next()?, parts.next()?);
    let restarts = file.split_once(".log")?.0;
    let is_whole =
        [namespace, name, uid, container].iter().all(|part| !part.is_empty()) && parts.next().is_none();
    let is_count = !restarts.is_empty() && restarts.bytes().all(|byte| byte.is_ascii_digit());
    (is_whole && is_count).then(|| {
        vec![
            (NAMESPACE, namespace),
            (POD, name),
            (POD_UID, uid),
            (CONTAINER, container),
            (RESTARTS, restarts),
        ]
    })
}

/// `containers/<pod>_<namespace>_<container>-<id>.log`, a link to the above.
fn link(file: &str) -> Option<Vec<(&'static str, &str)>> {
    let mut parts = file.split_once(".log")?.0.split('_');
    let (pod, namespace, last) = (parts.next()?, parts.next()?, parts.next()?);
    let (container, id) = last.rsplit_once('-')?;
    let is_whole = [pod, namespace, container].iter().all(|part| !part.is_empty()) && parts.next().is_none();
    (is_whole && is_id(id))
        .then(|| vec![(NAMESPACE, namespace), (POD, pod), (CONTAINER, container), (ID, id)])
}

/// `containers/<id>/<id>-json.log`
fn docker<'p>(directory: &'p str, file: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let is_log = file.strip_prefix(directory).is_some_and(|rest| rest.starts_with("-json.log"));
    (is_log && is_id(directory)).then(|| vec![(ID, directory)])
}

fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name in Docker's `config.v2.json`.
pub(super) fn docker_name(config: &str) -> Option<(&'static str, String)> {
    #[derive(serde::Deserialize)]
    struct Config {
        #[serde(rename = "Name")]
        name: String,
    }
    let config: Config = serde_json::from_str(config).ok()?;
    let name = config.name.strip_prefix('/').unwrap_or(&config.name);
    (!name.is_empty()).then(|| (DOCKER_NAME, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "4bf92f3577b34da6a3ce929d0e0e47364bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(path: &str, expected: &[(&str, &str)]) {
        let fields = of_path(path);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(fields, expected, "{path}");
    }

    #[test]
    fn paths() {
        let pod = |restarts: &'static str| {
            [
                ("k8s.namespace.name", "kube-system"),
                ("k8s.pod.name", "coredns-5d78c9869d-abcde"),
                ("k8s.pod.uid", "0fe2f3b8-1c1a"),
                ("k8s.container.name", "coredns"),
                ("k8s.container.restart_count", restarts),
            ]
        };
        let directory = "/var/log/pods/kube-system_coredns-5d78c9869d-abcde_0fe2f3b8-1c1a/coredns";
        check(&format!("{directory}/0.log"), &pod("0"));
        check(&format!("/host{directory}/12.log.20261122-100000"), &pod("12"));
        check(&format!("{directory}/x.log"), &[]);
        check("/var/log/pods/default_web/c/0.log", &[]);
        check("/var/log/pods/a_b_c_d/c/0.log", &[]);
        check("/var/log/pods/a__c/c/0.log", &[]);
        check(
            &format!("/var/log/containers/web-0_default_nginx-proxy-{HEX}.log"),
            &[
                ("k8s.namespace.name", "default"),
                ("k8s.pod.name", "web-0"),
                ("k8s.container.name", "nginx-proxy"),
                ("container.id", HEX),
            ],
        );
        check("/var/log/containers/web-0_default_nginx-4bf92f.log", &[]);
        check(&format!("/var/lib/docker/containers/{HEX}/{HEX}-json.log"), &[("container.id", HEX)]);
        check(&format!("/var/lib/docker/containers/{HEX}/{HEX}-json.log.1"), &[("container.id", HEX)]);
        check(&format!("/var/lib/docker/containers/{HEX}/other.log"), &[]);
        check("/var/log/syslog", &[]);
        check("", &[]);
        check("////", &[]);
    }

    #[test]
    fn names_of_docker() {
        for (config, expected) in [
            (r#"{"Name":"/web","Other":{"a":1}}"#, Some("web")),
            (r#"{"Name":"web"}"#, Some("web")),
            (r#"{"Name":"/"}"#, None),
            (r#"{"Name":7}"#, None),
            ("{", None),
        ] {
            assert_eq!(docker_name(config).map(|(_, name)| name).as_deref(), expected, "{config}");
        }
    }
}
