//! Every way to tokens, for an account in every state.

use aipoten_identity::{Withdraw, rotate_keys};
use aipoten_kit::test::eventually;
use aipoten_proto::DESCRIPTOR_SET;
use aipoten_proto::identity::v1::{
    ChangePasswordRequest, DeleteMeRequest, DeleteUserRequest, UpdateUserRequest, UserStatus,
};
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{PASSWORD, Person, World};

/// Methods that answer tokens.
#[derive(Debug, Clone, Copy)]
enum Way {
    Password,
    Refresh,
}

impl Way {
    const ALL: [Self; 2] = [Self::Password, Self::Refresh];

    fn method(self) -> &'static str {
        match self {
            Self::Password => "CreateSession",
            Self::Refresh => "RefreshSession",
        }
    }

    async fn go(self, world: &World, person: &Person) -> Result<String, Status> {
        Ok(match self {
            Self::Password => world.try_sign_in(&person.email, PASSWORD).await?.tokens.access_token,
            Self::Refresh => world.refresh(&person.tokens.refresh_token).await?.access_token,
        })
    }
}

/// What an account can be in.
#[derive(Debug, Clone, Copy)]
enum State {
    /// Nothing is in the way.
    Active,
    /// The address was never verified: signing in does not ask for that.
    Unverified,
    Suspended,
    Deleted,
    /// Too many wrong passwords.
    Locked,
    /// Erasure was asked for and has not come.
    ErasureAsked,
    /// The password is another one by now.
    PasswordChanged,
    /// The keys of all access tokens were withdrawn.
    KeysWithdrawn,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Active,
        Self::Unverified,
        Self::Suspended,
        Self::Deleted,
        Self::Locked,
        Self::ErasureAsked,
        Self::PasswordChanged,
        Self::KeysWithdrawn,
    ];

    /// The state of the account as the contract names it.
    fn status(self) -> UserStatus {
        match self {
            Self::Suspended => UserStatus::Suspended,
            Self::Deleted => UserStatus::Deleted,
            _ => UserStatus::Active,
        }
    }

    async fn bring(self, world: &World, person: &Person) {
        match self {
            Self::Unverified => {}
            Self::Active => {
                world.alter("UPDATE users SET email_verified_at = now() WHERE id = $1", person.id).await;
            }
            Self::Suspended => {
                let admin = world.administrator().await;
                let suspend = UpdateUserRequest {
                    user_id: person.id.to_string(),
                    status: Some(UserStatus::Suspended.into()),
                    reason: "ticket 12".to_owned(),
                    ..UpdateUserRequest::default()
                };
                world.users().update_user(admin.asks(suspend)).await.expect("suspended");
            }
            Self::Deleted => {
                let admin = world.administrator().await;
                let erase = DeleteUserRequest { user_id: person.id.to_string(), reason: "ticket 12".to_owned() };
                world.users().delete_user(admin.asks(erase)).await.expect("ordered");
                world.nothing_is_open(person.id).await;
                let erased = "SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted'";
                eventually("it is erased", async || world.count(erased, person.id).await == 1).await;
            }
            Self::Locked => {
                for _ in 0..5 {
                    world.try_sign_in(&person.email, "wrong horse 7!").await.err().expect("refused");
                }
            }
            Self::ErasureAsked => {
                world.users().delete_me(person.asks(DeleteMeRequest {})).await.expect("asked for");
            }
            Self::PasswordChanged => {
                let tablet = world.sign_in(&person.email).await;
                let change = ChangePasswordRequest {
                    current_password: PASSWORD.to_owned(),
                    new_password: "battery staple 8?".to_owned(),
                };
                world.users().change_password(tablet.asks(change)).await.expect("changed");
            }
            Self::KeysWithdrawn => {
                rotate_keys(world.pool(), &world.config, Withdraw::All).await.expect("withdrawn");
                let token = &person.tokens.access_token;
                eventually("they are believed no longer", async || !world.believes(token).await).await;
            }
        }
    }
}

/// The reason of the refusal, or none for tokens that are believed.
#[expect(clippy::match_same_arms, reason = "the cells stand in the order of the ways")]
fn expected(way: Way, state: State) -> Option<(Code, &'static str)> {
    let unknown = Some((Code::Unauthenticated, "INVALID_CREDENTIALS"));
    let ended = Some((Code::Unauthenticated, "UNAUTHENTICATED"));
    match (way, state) {
        (Way::Password | Way::Refresh, State::Active | State::Unverified | State::KeysWithdrawn) => None,
        (Way::Password, State::Suspended | State::Deleted | State::PasswordChanged) => unknown,
        (Way::Password, State::Locked) => Some((Code::ResourceExhausted, "ACCOUNT_LOCKED")),
        // Takes it back.
        (Way::Password, State::ErasureAsked) => None,
        (Way::Refresh, State::Suspended | State::Deleted | State::PasswordChanged | State::ErasureAsked) => ended,
        // Guessing by strangers puts nobody out.
        (Way::Refresh, State::Locked) => None,
    }
}

#[tokio::test]
async fn every_way_to_tokens_refuses_what_it_must_in_every_state() {
    let world = World::start_with(|config, _| config.lockout.captcha_after = 100).await;
    for state in State::ALL {
        for way in Way::ALL {
            let person = world.parent().await;
            state.bring(&world, &person).await;
            let refusal = match way.go(&world, &person).await {
                Ok(token) => {
                    assert!(world.believes(&token).await, "{way:?} {state:?}");
                    None
                }
                Err(status) => Some((status.code(), status.get_details_error_info().expect("a reason").reason)),
            };
            let refusal = refusal.as_ref().map(|(code, reason)| (*code, reason.as_str()));
            assert_eq!(refusal, expected(way, state), "{way:?} {state:?}");
        }
    }
    world.end().await;
}

/// A new way to tokens, or a new state of accounts, has no cell yet.
#[test]
fn the_matrix_knows_every_method_that_answers_tokens_and_every_state() {
    let set = FileDescriptorSet::decode(DESCRIPTOR_SET).expect("descriptors");
    let holds_tokens = |name: &str| {
        let message =
            set.file.iter().flat_map(|file| &file.message_type).find(|it| name.ends_with(&format!(".{}", it.name())));
        let tokens = ".aipoten.identity.v1.Tokens";
        name == tokens || message.is_some_and(|it| it.field.iter().any(|field| field.type_name() == tokens))
    };
    let services = set.file.iter().flat_map(|file| &file.service);
    let methods = services.flat_map(|service| &service.method).filter(|it| holds_tokens(it.output_type()));
    let mut methods: Vec<&str> = methods.map(MethodDescriptorProto::name).collect();
    methods.sort_unstable();
    assert_eq!(methods, Way::ALL.map(Way::method));
    for status in (1..).map_while(|number| UserStatus::try_from(number).ok()) {
        assert!(State::ALL.iter().any(|state| state.status() == status), "{status:?} has no row");
    }
}
