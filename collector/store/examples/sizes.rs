//! x
use std::collections::BTreeMap;
use tantivy::Directory;
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut total: BTreeMap<String, u64> = BTreeMap::new();
    let mut n = 0;
    for e in std::fs::read_dir(format!("{dir}/splits")).unwrap() {
        let p = e.unwrap().path();
        n += 1;
        for sub in ["", "words"] {
            for f in std::fs::read_dir(p.join(sub)).unwrap() {
                let f = f.unwrap();
                if f.metadata().unwrap().is_file() {
                    let name = f.file_name().to_string_lossy().into_owned();
                    let name = name.rsplit('.').next().unwrap().to_string();
                    *total.entry(format!("file {name}")).or_default() += f.metadata().unwrap().len();
                }
            }
        }
        let d = tantivy::directory::MmapDirectory::open(&p).unwrap();
        let r =
            tantivy::columnar::ColumnarReader::open(d.open_read(std::path::Path::new("columns")).unwrap())
                .unwrap();
        *total.entry("docs".into()).or_default() += r.num_docs() as u64;
        for (name, h) in r.list_columns().unwrap() {
            *total.entry(format!("col {name}")).or_default() += h.num_bytes().get_bytes();
            if let Ok(tantivy::columnar::DynamicColumn::Str(s)) = h.open() {
                *total.entry(format!("terms {name}")).or_default() += s.num_terms() as u64;
            }
        }
    }
    println!("splits {n}");
    let docs = total["docs"] as f64;
    let mut v: Vec<_> = total.into_iter().collect();
    v.sort_by_key(|x| std::cmp::Reverse(x.1));
    for (k, b) in v {
        println!("{k:40} {b:12} {:8.3}/doc", b as f64 / docs);
    }
}
