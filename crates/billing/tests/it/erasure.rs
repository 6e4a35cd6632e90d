//! Accounts that are to be erased: nobody is cleared while money of theirs is open.

use aipoten_billing::consumers;
use aipoten_kit::test::eventually;
use aipoten_proto::billing::v1::{ErasureCleared, RunSettlementsRequest};
use aipoten_proto::identity::v1::ErasureBegun;
use chrono::{TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use uuid::Uuid;

use crate::decide::{held, take};
use crate::pay_back::{end, give_back_one, paid};
use crate::world::World;

async fn begin(world: &World, user_id: &str) {
    take(world, consumers::erasure_begun, ErasureBegun { user_id: user_id.to_owned() }).await;
}

async fn cleared(world: &World) -> Vec<String> {
    world.published::<ErasureCleared>().await.into_iter().map(|it| it.user_id).collect()
}

/// Of somebody without anything the job tells at its next time: it has looked at all the others then.
async fn looked_at(world: &World) -> String {
    let nobody = Uuid::now_v7().to_string();
    begin(world, &nobody).await;
    eventually("the job came by", async || cleared(world).await.contains(&nobody)).await;
    nobody
}

#[tokio::test]
async fn a_parent_is_cleared_when_all_has_gone_back() {
    let world = World::start().await;
    world.begun().await;
    let (payment, _) = paid(&world).await;
    for _ in 0..2 {
        begin(&world, &world.parent.id).await;
    }
    let mut told = vec![looked_at(&world).await];
    end(&world, &payment).await;
    told.push(looked_at(&world).await);
    assert_eq!(cleared(&world).await, told, "a payment that was begun may still come");
    let over = "UPDATE payments SET expires_at = now() WHERE payment_status = 'pending'";
    sqlx::query(over).execute(world.database()).await.expect("over");
    eventually("the parent is cleared", async || cleared(&world).await.contains(&world.parent.id)).await;
    looked_at(&world).await;
    assert_eq!(cleared(&world).await.iter().filter(|it| **it == world.parent.id).count(), 1);
    world.is_sound().await;
}

#[tokio::test]
async fn a_therapist_is_cleared_when_all_is_settled_and_paid() {
    let world = World::start().await;
    let month = Utc::now() - TimeDelta::days(40);
    let payment = held(&world, month).await;
    for at in 1..4 {
        give_back_one(&world, &payment, at).await;
    }
    begin(&world, &world.therapist.id).await;
    let mut told = vec![looked_at(&world).await];
    let period = month.with_timezone(&Seoul).format("%Y-%m").to_string();
    let run = RunSettlementsRequest { period };
    world.settlements().run_settlements(world.admin().await.asks(run)).await.expect("settled");
    told.push(looked_at(&world).await);
    assert_eq!(cleared(&world).await, told, "it is to be paid");
    let paid = "UPDATE settlements SET status = 'paid', confirmed_at = now(), paid_at = now()";
    sqlx::query(paid).execute(world.database()).await.expect("paid");
    eventually("the therapist is cleared", async || cleared(&world).await.contains(&world.therapist.id)).await;
}
