//! `hoist project …`.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::api::{Call, path};
use crate::args::{Because, Limited};
use crate::failure::Outcome;
use crate::print::Console;
use crate::table::Table;
use crate::typed::key;
use crate::value::{list, object, text, text_or_dash, time};

/// What can be done with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// List the projects
    #[command(after_help = "Example:\n  hoist project list")]
    List(Limited),
    /// Show one project
    #[command(after_help = "Example:\n  hoist project show shop")]
    Show {
        /// Key of the project; the one of --project when absent
        #[arg(value_parser = key)]
        key: Option<String>,
    },
    /// Create a project with environments development, staging and production
    #[command(after_help = "Example:\n  hoist project create shop --name Shop")]
    Create {
        /// Key; it stays for ever
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        because: Because,
    },
    /// Change what is said about a project
    #[command(after_help = "Example:\n  hoist project update shop --description \"The web shop\"")]
    #[command(group = clap::ArgGroup::new("change").args(["name", "description"]).required(true).multiple(true))]
    Update {
        /// Key of the project
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        because: Because,
    },
    /// Delete a project and all that is in it
    #[command(after_help = "Example:\n  hoist project delete shop --reason \"merged into default\"")]
    Delete {
        /// Key of the project
        #[arg(value_parser = key)]
        key: String,
        #[command(flatten)]
        because: Because,
    },
}

/// What is said about a project.
#[derive(Debug, Args)]
pub(crate) struct About {
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// What it is
    #[arg(long)]
    description: Option<String>,
}

impl Project {
    pub(crate) fn run(self, console: &mut Console<'_>) -> Result<Outcome> {
        match self {
            Project::List(Limited { limit }) => list_projects(console, limit),
            Project::Show { key } => show(console, key),
            Project::Create { key, about, because } => create(console, &key, about, &because),
            Project::Update { key, about, because } => update(console, &key, about, &because),
            Project::Delete { key, because } => {
                let call = Call::delete(path(&["projects", &key])).because(because.reason.as_deref());
                let answer = console.api.send(call)?;
                console.done(&answer, &format!("Deleted project {key}."))
            }
        }
    }
}

fn list_projects(console: &mut Console<'_>, limit: Option<u32>) -> Result<Outcome> {
    let answer = console.api.list(&path(&["projects"]), limit)?;
    console.answer(&answer, |projects, terminal| {
        let mut table = Table::new(["key", "name", "description", "created (UTC)"]);
        for project in list(projects, "items") {
            let fields = ["key", "name", "description"].map(|field| text_or_dash(project, field).into());
            table.row(fields.into_iter().chain([time(project, "created_at").into()]));
        }
        terminal.table(table)
    })
}

fn show(console: &mut Console<'_>, key: Option<String>) -> Result<Outcome> {
    let key = key.unwrap_or_else(|| console.api.project.clone());
    let answer = console.api.send(Call::get(path(&["projects", &key])))?;
    console.answer(&answer, |project, terminal| {
        terminal.facts(&[
            ("key", text(project, "key")),
            ("name", text(project, "name")),
            ("description", text(project, "description")),
            ("created", time(project, "created_at")),
        ])
    })
}

fn create(console: &mut Console<'_>, key: &str, about: About, because: &Because) -> Result<Outcome> {
    let fields = [
        ("key", Some(key.into())),
        ("name", about.name.map(Into::into)),
        ("description", about.description.map(Into::into)),
    ];
    let call = Call::post(path(&["projects"])).body(&object(fields)).because(because.reason.as_deref());
    let answer = console.api.send(call)?;
    console.done(&answer, &format!("Created project {key}."))
}

fn update(console: &mut Console<'_>, key: &str, about: About, because: &Because) -> Result<Outcome> {
    let fields = [("name", about.name.map(Into::into)), ("description", about.description.map(Into::into))];
    let call = Call::patch(path(&["projects", key])).body(&object(fields)).because(because.reason.as_deref());
    let answer = console.api.send(call)?;
    console.done(&answer, &format!("Updated project {key}."))
}
