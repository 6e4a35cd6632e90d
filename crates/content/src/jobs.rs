//! What runs by the clock.

use std::time::Duration;

use aipoten_kit::Process;

use crate::config::LinkCheck;
use crate::{App, video};

pub(crate) fn start(app: &App, config: &LinkCheck, process: &Process) {
    // Whoever checks links with a job of the cluster does not check them here, too.
    if config.every_s > 0 {
        check_links(app, config, process);
    }
}

fn check_links(app: &App, config: &LinkCheck, process: &Process) {
    process.spawn("content link check", {
        let (app, config, stop) = (app.clone(), config.clone(), process.stop());
        async move {
            let pause = Duration::from_secs(config.every_s);
            while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                match stop.run_until_cancelled(video::link::check(&app.pool, &config)).await {
                    Some(Ok(Some(checked))) if checked.changed > 0 => app.relay.wake(),
                    Some(Err(error)) => tracing::warn!(error = format!("{error:#}"), "links could not be checked"),
                    Some(Ok(_)) | None => {}
                }
            }
            Ok(())
        }
    });
}
