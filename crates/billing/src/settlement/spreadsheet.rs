//! Files for spreadsheets: UTF-8 with a byte order mark, so that Korean is read as such, and no cell is ever a formula.

use anyhow::Context as _;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Rows of any length.
pub(super) fn write(rows: impl IntoIterator<Item = Vec<String>>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    for row in rows {
        writer.write_record(row.into_iter().map(cell)).context("a row of a spreadsheet")?;
    }
    writer.into_inner().context("a spreadsheet")
}

/// What a spreadsheet would take for a formula becomes text.
fn cell(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_cell_comes_back() {
        let evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "김 \"미나\", 1", "088", "a=b"];
        let file = write([evil.map(str::to_owned).to_vec(), vec!["짧은 줄".to_owned()]]).expect("a file");
        let text = String::from_utf8(file).expect("UTF-8");
        let rest = text.strip_prefix(BYTE_ORDER_MARK).expect("a byte order mark");
        let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(rest.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
        let read: Vec<&str> = rows[0].iter().collect();
        assert_eq!(read, ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "김 \"미나\", 1", "088", "a=b"]);
        assert_eq!(&rows[1], vec!["짧은 줄"]);
    }
}
