//! Codes of banks: three digits of the clearing house, two of TossPayments, which differ but for the nought for one bank.

/// Kookmin's.
const KOOKMIN: (&str, &str) = ("004", "06");

pub(super) fn of_toss(code: &str) -> &str {
    if code == KOOKMIN.0 { KOOKMIN.1 } else { code.strip_prefix('0').unwrap_or(code) }
}

/// One that is none of two digits, such as a broker's, stays as it is.
pub(super) fn from_toss(code: &str) -> String {
    match code {
        _ if code == KOOKMIN.1 => KOOKMIN.0.to_owned(),
        _ if code.len() == 2 && code.bytes().all(|it| it.is_ascii_digit()) => format!("0{code}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_has_one_code_there_and_one_here() {
        for (ours, theirs) in [("002", "02"), ("004", "06"), ("011", "11"), ("088", "88"), ("090", "90")] {
            assert_eq!(of_toss(ours), theirs);
            assert_eq!(from_toss(theirs), ours);
        }
        assert_eq!(from_toss("SB"), "SB");
    }
}
