//! A server behind TLS whose certificate no public authority vouches for.

use hoist::{Client, ClientBuilder, Status, Trouble};
use hoist_server::settings::DEVELOPMENT_SDK_KEY;
use tests::{Node, Secure, live_at, until};

const FLAG: &str = "dashboard_v2";

async fn start(host: &str) -> (Node, Secure) {
    let node = Node::start().await;
    node.api().create_flag(FLAG).await;
    let secure = Secure::start(&node.url, host).await;
    (node, secure)
}

fn application(secure: &Secure) -> ClientBuilder {
    Client::builder(&secure.url).sdk_key(DEVELOPMENT_SDK_KEY).app("shop")
}

/// The application gets no flags, and says why.
async fn refuses(builder: ClientBuilder, reason: &str) {
    let client = builder.connect().await.unwrap();
    until(&client, |_| client.trouble().is_some()).await;
    let Some(Trouble::Unreachable(told)) = client.trouble() else { panic!("{:?}", client.trouble()) };
    assert!(told.contains("certificate") && told.contains(reason), "{told}");
    assert_eq!(client.status(), Status::Defaults);
    assert!(client.boolean(FLAG, "user-1", true), "the caller's default is not served");
}

#[tokio::test]
async fn a_private_authority_that_is_named_is_trusted() {
    let (node, secure) = start("127.0.0.1").await;
    let client = application(&secure).root_certificate(secure.authority.as_str()).connect().await.unwrap();
    live_at(&client, 1).await;
    let change = node.api().environment("development").rollout(FLAG, 100, "for all").await;
    live_at(&client, change["revision"].as_u64().unwrap()).await;
    assert!(client.enabled(FLAG, "user-1"));
}

#[tokio::test]
async fn an_authority_that_nobody_named_is_not_trusted() {
    let (_node, secure) = start("127.0.0.1").await;
    refuses(application(&secure), "UnknownIssuer").await;
}

#[tokio::test]
async fn another_authority_than_the_named_one_is_not_trusted() {
    let (node, secure) = start("127.0.0.1").await;
    let other = Secure::start(&node.url, "127.0.0.1").await;
    refuses(application(&secure).root_certificate(other.authority.as_str()), "").await;
}

#[tokio::test]
async fn the_certificate_of_another_host_is_not_accepted() {
    let (_node, secure) = start("flags.example.com").await;
    refuses(application(&secure).root_certificate(secure.authority.as_str()), "not valid for name").await;
}

#[tokio::test]
async fn a_text_that_is_no_certificate_stops_the_start() {
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a certificate"] {
        let builder = Client::builder("https://127.0.0.1:1").sdk_key("k").root_certificate(text);
        let refused = builder.connect().await.expect_err(text);
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}
