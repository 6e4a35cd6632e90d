//! Notifications on their way to a client.

use std::time::Duration;

use aipoten_kit::Locale;
use aipoten_proto::notification::v1::{ListNotificationsAfterRequest, Notification, NotificationCreated};

use super::session::{Sent, Session};
use crate::error::Answer;
use crate::gateway::Gateway;

/// Notifications that are read for a client at a time, and how often at most: who missed more reads the list.
const PAGE: usize = 100;
const PAGES: usize = 10;
/// How long a client may be behind while it catches up: so many times so long.
const PATIENCE: (u32, Duration) = (250, Duration::from_millis(20));

/// The event that a type comes as.
pub(super) fn event(kind: &str) -> &'static str {
    match kind {
        "matching_update" => "matching_update",
        "consultation_reminder" => "consultation_reminder",
        "consultation_update" => "consultation_update",
        "payment_update" => "payment_update",
        _ => "new_notification",
    }
}

/// As the list of notifications shows it.
pub(super) fn shown(event: &NotificationCreated, locale: Locale) -> Notification {
    Notification {
        id: event.notification_id.clone(),
        r#type: event.r#type.clone(),
        title: locale.pick(&event.title_ko, &event.title_en).clone(),
        message: locale.pick(&event.message_ko, &event.message_en).clone(),
        link_url: Some(event.link_url.clone()).filter(|url| !url.is_empty()),
        data: event.data.clone(),
        is_read: false,
        read_at: None,
        created_at: event.created_at,
    }
}

/// Sends what came since the newest that the client has; whether that is all. Some come twice: clients know them by their ids.
pub(super) async fn catch_up(gateway: &Gateway, session: &Session) -> Answer<bool> {
    let mut after = session.newest().to_string();
    for _ in 0..PAGES {
        let ask = ListNotificationsAfterRequest { after: after.clone() };
        let page = gateway.notifications().list_notifications_after(session.call().with(ask)).await?.into_inner();
        for notification in &page.notifications {
            tell_patiently(session, notification).await;
        }
        match page.notifications.last() {
            Some(last) if page.notifications.len() == PAGE && last.id != after => after.clone_from(&last.id),
            _ => return Ok(true),
        }
    }
    Ok(false)
}

/// More may come at once than waits for a client.
async fn tell_patiently(session: &Session, notification: &Notification) {
    for _ in 0..PATIENCE.0 {
        if session.try_tell(notification) != Sent::Full {
            return;
        }
        tokio::time::sleep(PATIENCE.1).await;
    }
    session.cut();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_comes_in_the_language_of_its_reader_and_by_the_name_of_its_type() {
        let told = NotificationCreated {
            notification_id: "id".to_owned(),
            r#type: "consultation_reminder".to_owned(),
            title_ko: "상담".to_owned(),
            title_en: "Session".to_owned(),
            ..NotificationCreated::default()
        };
        assert_eq!(shown(&told, Locale::Ko).title, "상담");
        let english = shown(&told, Locale::En);
        assert_eq!((english.title.as_str(), english.link_url), ("Session", None));
        assert_eq!(event(&english.r#type), "consultation_reminder");
        assert_eq!(event("assessment_reminder"), "new_notification");
    }
}
