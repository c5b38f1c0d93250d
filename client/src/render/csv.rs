//! CSV (RFC 4180): lines end with CRLF, cells with a comma, quote or line break are quoted. A text that a spreadsheet
//! would take for a formula begins with an apostrophe, as in the export of the API. Pure.

use serde_json::Value;

use crate::row;

/// Appends one record.
pub(crate) fn push<'a>(cells: impl IntoIterator<Item = &'a Value>, out: &mut String) {
    for (index, value) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_cell(&row::text(value), value.is_number(), out);
    }
    out.push_str("\r\n");
}

fn push_cell(text: &str, is_number: bool, out: &mut String) {
    let is_formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_quoted = text.contains([',', '"', '\n', '\r']);
    if is_quoted {
        out.push('"');
    }
    if is_formula {
        out.push('\'');
    }
    if is_quoted {
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records() {
        let rows = [
            (json!(["a", 1, null, true]), "a,1,,true\r\n"),
            (json!(["a,b", "say \"x\"", "two\nlines"]), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n"),
            (json!(["=1+1", "-5", -5, "@x", "+", "\t=x"]), "'=1+1,'-5,-5,'@x,'+,'\t=x\r\n"),
            (json!(["=HYPERLINK(\"x\",1)"]), "\"'=HYPERLINK(\"\"x\"\",1)\"\r\n"),
            (json!([]), "\r\n"),
        ];
        for (row, expected) in rows {
            let mut out = String::new();
            push(row.as_array().unwrap(), &mut out);
            assert_eq!(out, expected, "{row}");
        }
    }
}
