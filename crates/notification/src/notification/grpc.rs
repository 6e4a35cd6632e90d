//! Notifications over gRPC.

use aipoten_kit::{Caller, Error, Fields, Locale, Page, Result};
use aipoten_proto::notification::v1 as proto;
use aipoten_proto::notification::v1::notification_service_server::NotificationService;
use aipoten_proto::timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Filter, Notification};
use crate::App;
use crate::template::{self, Kind};

/// What is written at the same time is seen in any order: so long ago something may have been missed.
const OVERLAP: TimeDelta = TimeDelta::seconds(5);

#[tonic::async_trait]
impl NotificationService for App {
    async fn list_notifications(
        &self,
        request: Request<proto::ListNotificationsRequest>,
    ) -> Result<Response<proto::ListNotificationsResponse>, Status> {
        let caller = Caller::of(&request);
        let (page, filter) = parse(request.into_inner())?;
        let (notifications, total) = super::list(self, &caller, page, &filter).await?;
        let notifications = notifications.iter().map(|it| show(it, caller.locale)).collect();
        Ok(Response::new(proto::ListNotificationsResponse { notifications, page_info: Some(page.info(total)) }))
    }

    async fn list_notifications_after(
        &self,
        request: Request<proto::ListNotificationsAfterRequest>,
    ) -> Result<Response<proto::ListNotificationsAfterResponse>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("after", &request.into_inner().after)?;
        let after = moment_of(id).ok_or_else(|| Error::invalid("after", "invalid"))? - OVERLAP;
        let mut notifications = super::list_after(self, &caller, after).await?;
        notifications.retain(|it| it.id != id);
        let notifications = notifications.iter().map(|it| show(it, caller.locale)).collect();
        Ok(Response::new(proto::ListNotificationsAfterResponse { notifications }))
    }

    async fn get_unread_count(
        &self,
        request: Request<proto::GetUnreadCountRequest>,
    ) -> Result<Response<proto::UnreadCount>, Status> {
        let unread = super::unread(self, &Caller::of(&request)).await?;
        Ok(Response::new(proto::UnreadCount { unread }))
    }

    async fn read_notification(
        &self,
        request: Request<proto::ReadNotificationRequest>,
    ) -> Result<Response<proto::Notification>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("notification_id", &request.into_inner().notification_id)?;
        let notification = super::read(self, &caller, id).await?;
        Ok(Response::new(show(&notification, caller.locale)))
    }

    async fn read_all_notifications(
        &self,
        request: Request<proto::ReadAllNotificationsRequest>,
    ) -> Result<Response<proto::UnreadCount>, Status> {
        let caller = Caller::of(&request);
        super::read_all(self, &caller).await?;
        let unread = super::unread(self, &caller).await?;
        Ok(Response::new(proto::UnreadCount { unread }))
    }

    async fn delete_notification(
        &self,
        request: Request<proto::DeleteNotificationRequest>,
    ) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("notification_id", &request.into_inner().notification_id)?;
        Ok(Response::new(super::delete(self, &caller, id).await?))
    }
}

fn parse(request: proto::ListNotificationsRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    if let Some(kind) = &request.r#type {
        fields.check(Kind::find(kind).is_some(), "type", "unknown_notification_type");
    }
    fields.finish()?;
    Ok((page, Filter { unread_only: request.unread_only.unwrap_or_default(), kind: request.r#type }))
}

/// When an id was made.
fn moment_of(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(seconds.try_into().ok()?, nanoseconds)
}

fn show(notification: &Notification, locale: Locale) -> proto::Notification {
    let words = template::words(locale, &notification.template, &notification.variables);
    proto::Notification {
        id: notification.id.to_string(),
        r#type: notification.kind.clone(),
        title: words.title,
        message: words.message,
        link_url: words.link,
        data: super::json(&notification.variables),
        is_read: notification.read_at.is_some(),
        read_at: notification.read_at.map(timestamp),
        created_at: Some(timestamp(notification.created_at)),
    }
}
