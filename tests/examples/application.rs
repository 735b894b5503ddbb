//! An application that keeps its flags on disk, for stories in which the machine fails it: one line for each change of
//! its status, with what is wrong with the copy on disk. It takes the server's address, the folder, and runs until it is
//! killed.

use std::env;
use std::io::{self, Write};

use hoist::Client;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, url, folder] = &arguments[..] else { panic!("application URL FOLDER") };
    let client = Client::builder(url).sdk_key("hoist_sdk_development").app("shop").cache_dir(folder);
    let client = client.connect().await.expect("a client");
    let mut watch = client.watch();
    loop {
        let disk = client.cache_trouble().map_or("kept".to_owned(), |trouble| trouble.to_string());
        let on = client.enabled("dashboard", "user-1");
        let _ = writeln!(io::stdout(), "{}; {}; {disk}", client.status(), if on { "on" } else { "off" });
        if watch.changed().await.is_err() {
            return;
        }
    }
}
