//! The page about errors has every code with its status, and no other.

use std::collections::BTreeMap;

use forge_remote::ErrorCode;

use super::{none, pages};

#[test]
fn every_code_has_its_status_a_cause_and_a_cure() {
    let pages = pages::chapters();
    let page = pages.iter().find(|it| it.path == "docs/errors.md").unwrap();
    let mut rows = BTreeMap::new();
    let mut wrong = Vec::new();
    for (line, row) in page.parts.rows.iter().filter(|(_, row)| row.len() == 4) {
        let Some(code) = row[0].strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        if rows.insert(code.to_owned(), (*line, row.clone())).is_some() {
            wrong.push(format!("docs/errors.md:{line}: `{code}` is there twice"));
        }
    }
    for code in ErrorCode::ALL {
        let Some((line, row)) = rows.remove(code.as_str()) else {
            wrong.push(format!("docs/errors.md has no row for `{code}`"));
            continue;
        };
        if row[1] != code.status().as_str() {
            wrong.push(format!(
                "docs/errors.md:{line}: {code} is {}",
                code.status()
            ));
        }
        if row[2].len() < 5 || row[3].len() < 5 {
            wrong.push(format!(
                "docs/errors.md:{line}: {code}: its cause and its cure?"
            ));
        }
    }
    for (code, (line, _)) in rows {
        wrong.push(format!("docs/errors.md:{line}: there is no code `{code}`"));
    }
    none(&wrong);
}
