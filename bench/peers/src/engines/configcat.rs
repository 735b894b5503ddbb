//! `configcat`: its client over flags of this process alone, which spares it the cache that it would read each call.
//! Its calls are asynchronous and take the user by value.

use std::sync::Arc;
use std::{env, fs, process};

use configcat::{Client, FileDataSource, OverrideBehavior, PollingMode, User};
use hoist_bench::Person;
use serde_json::{Map, Value, json};

use super::now;
use crate::engine::{Engine, sure};

#[derive(Clone)]
pub(crate) struct Flags(Arc<Client>);

impl Engine for Flags {
    const NAME: &'static str = "configcat 0.1";
    type User = User;

    fn new(flags: &[(String, &str)]) -> Flags {
        let settings: Map<_, _> = flags.iter().map(|(key, of)| (key.clone(), setting(of))).collect();
        let file = env::temp_dir().join(format!("hoist-peers-{}-{}.json", process::id(), flags.len()));
        let path = file.to_str().expect("a temporary folder whose name is text");
        sure(fs::write(path, json!({ "f": settings, "p": { "s": "salt" } }).to_string()));
        let flags = sure(FileDataSource::new(path));
        sure(fs::remove_file(path));
        let client = Client::builder("local")
            .polling_mode(PollingMode::Manual)
            .overrides(Box::new(flags), OverrideBehavior::LocalOnly);
        Flags(Arc::new(sure(client.build())))
    }

    fn user(person: &Person) -> User {
        User::new(&person.key)
            .country(person.country)
            .custom("plan", person.plan)
            .custom("app_version", person.app_version)
            .custom("age", i64::from(person.age))
            .custom("employee", if person.employee { "true" } else { "false" })
            .custom("organization", i64::from(person.organization))
    }

    fn boolean(&mut self, key: &str, user: &User) -> bool {
        now(self.0.get_value(key, false, Some(user.clone())))
    }

    fn letter(&mut self, key: &str, user: &User) -> u8 {
        now(self.0.get_value(key, "-".to_owned(), Some(user.clone()))).as_bytes()[0]
    }
}

fn setting(shape: &str) -> Value {
    let boolean = |on: bool| json!({ "b": on });
    let share = |percent: u8, value: Value| json!({ "p": percent, "v": value });
    let rollout = |percent: u8| json!([share(percent, boolean(true)), share(100 - percent, boolean(false))]);
    let condition = |attribute: &str, comparator: u8| json!({ "u": { "a": attribute, "c": comparator } });
    let with = |mut condition: Value, key: &str, value: Value| {
        condition["u"][key] = value;
        condition
    };
    let rule = |condition: Value| json!({ "c": [condition], "s": { "v": boolean(true) } });
    // 0: is one of; 14: greater than; 30: starts with any of.
    let one_of = |attribute: &str, values: Value| rule(with(condition(attribute, 0), "l", values));
    match shape {
        "off" => json!({ "t": 0, "v": boolean(false) }),
        "half" => json!({ "t": 0, "v": boolean(false), "p": rollout(50) }),
        "rules" => json!({ "t": 0, "v": boolean(false), "r": [
            one_of("plan", json!(["beta", "internal"])),
            one_of("Country", json!(["US", "CA", "MX"])),
            one_of("employee", json!(["true"])),
            rule(with(condition("age", 14), "d", json!(90.0))),
            { "c": [with(condition("plan", 30), "l", json!(["stand"]))], "p": rollout(25) }
        ] }),
        "split" => json!({ "t": 1, "v": { "s": "C" }, "p": [
            share(50, json!({ "s": "A" })), share(30, json!({ "s": "B" })), share(20, json!({ "s": "C" }))
        ] }),
        _ => json!({ "t": 0, "v": boolean(true) }),
    }
}
