//! Our refund's id within the reason that a provider keeps: the only thing by which it can be found again.

/// The reason, cut where it must be, and the id.
pub(super) fn with_id(reason: &str, refund_id: &str, most: usize) -> String {
    let room = most.saturating_sub(refund_id.chars().count() + 3);
    let reason: String = reason.chars().take(room).collect();
    format!("{reason} [{refund_id}]")
}

/// The id, if there is one.
pub(super) fn id_of(note: &str) -> Option<String> {
    let (_, id) = note.strip_suffix(']')?.rsplit_once(" [")?;
    Some(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_again_however_long_and_strange_the_reason_is() {
        for reason in ["", "아이가 아파요", "a [b] [c]", &"가".repeat(500)] {
            let note = with_id(reason, "0190-ab", 200);
            assert!(note.chars().count() <= 200);
            assert_eq!(id_of(&note).as_deref(), Some("0190-ab"));
        }
        assert_eq!(id_of("단순 변심"), None);
    }
}
