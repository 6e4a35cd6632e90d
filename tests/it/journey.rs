use aipoten_tests::journey;

use crate::platform::Platform;

#[tokio::test]
async fn a_parent_checks_two_children_and_gets_videos() {
    let platform = Platform::start().await;
    let mut told = Vec::new();
    let outcome = journey::run(&platform.api, &mut |line| told.push(line)).await;
    assert!(outcome.is_ok(), "{outcome:?}, after:\n{}", told.join("\n"));
    platform.check_invariants().await;
}
