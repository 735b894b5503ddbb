//! A whole project as one readable JSON document: out with `export`, in with `import`.
//!
//! An import creates what is missing and updates what differs, in one change: all or nothing. What the document does
//! not mention stays. Keys, salts and allocations come along, so nobody's bucket changes.

use std::collections::BTreeMap;

use hoist_evaluation::{Bucketing, FlagType, Settings, Variants};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_texts;
use crate::app::App;
use crate::audit::Action;
use crate::change::{Change, Record};
use crate::clock::Timestamp;
use crate::environments::{MAX_ENVIRONMENTS, NewEnvironment};
use crate::error::{Error, Fault, Result};
use crate::flags::api::flags_left;
use crate::flags::settings_api::settings_record;
use crate::flags::splits::{Sent, allocate_splits};
use crate::flags::{Flag, Purpose};
use crate::history::Kind;
use crate::keys::{EnvironmentKey, FlagKey, ProjectKey};
use crate::segments::{MAX_SEGMENTS, NewSegment};

/// The version of the document's form.
const FORM: u32 = 1;

/// A project as one document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProjectFile {
    /// The version of the form: 1.
    pub hoist: u32,
    /// The project; its key is the one it came from.
    pub project: FileProject,
    /// Its environments, in order.
    pub environments: Vec<NewEnvironment>,
    /// Its segments.
    #[serde(default)]
    pub segments: Vec<NewSegment>,
    /// Its flags that are not archived.
    #[serde(default)]
    pub flags: Vec<FileFlag>,
}

/// What a file says about the project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FileProject {
    /// Its key.
    pub key: ProjectKey,
    /// What people call it.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: String,
}

/// What a file says about a flag.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FileFlag {
    /// Its key.
    pub key: FlagKey,
    /// What people call it.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub flag_type: FlagType,
    /// Its variants, in order.
    pub variants: Variants,
    /// What it is for.
    pub purpose: Purpose,
    /// Who answers for it.
    pub owner: String,
    /// Free words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it should be gone; null for never.
    pub expires_at: Option<Timestamp>,
    /// What its buckets are drawn with.
    pub salt: String,
    /// How its buckets are drawn.
    pub bucketing: Bucketing,
    /// What each environment says about it.
    #[schema(value_type = BTreeMap<String, Settings>)]
    pub settings: BTreeMap<EnvironmentKey, Settings>,
}

/// Reads a whole project.
pub(super) async fn read(app: &App, key: &ProjectKey) -> Result<ProjectFile> {
    let project = app.store.project(key).await?;
    let environments = app.store.environments(key).await?;
    let segments = app.store.segments(key).await?;
    let mut settings: BTreeMap<FlagKey, BTreeMap<EnvironmentKey, Settings>> = BTreeMap::new();
    for (flag, environment, document) in app.store.all_settings(key).await? {
        settings.entry(flag).or_default().insert(environment, document.settings);
    }
    let flags = app.store.every_flag(key).await?;
    Ok(ProjectFile {
        hoist: FORM,
        project: FileProject { key: project.key, name: project.name, description: project.description },
        environments: environments.into_iter().map(NewEnvironment::from).collect(),
        segments: segments.into_iter().map(NewSegment::from).collect(),
        flags: flags.into_iter().map(|it| file_flag(it, &mut settings)).collect(),
    })
}

fn file_flag(flag: Flag, settings: &mut BTreeMap<FlagKey, BTreeMap<EnvironmentKey, Settings>>) -> FileFlag {
    FileFlag {
        settings: settings.remove(&flag.key).unwrap_or_default(),
        key: flag.key,
        name: flag.name,
        description: flag.description,
        flag_type: flag.flag_type,
        variants: flag.variants,
        purpose: flag.purpose,
        owner: flag.owner,
        tags: flag.tags,
        expires_at: flag.expires_at,
        salt: flag.salt,
        bucketing: flag.bucketing,
    }
}

/// What an import did.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Environments made.
    pub environments_created: usize,
    /// Segments made.
    pub segments_created: usize,
    /// Segments changed.
    pub segments_updated: usize,
    /// Flags made.
    pub flags_created: usize,
    /// Flags changed.
    pub flags_updated: usize,
    /// Settings changed, of flags that were there.
    pub settings_updated: usize,
}

impl Change<'_> {
    /// Creates what is missing and updates what differs.
    pub(super) async fn import(&mut self, file: ProjectFile) -> Result<Imported> {
        if file.hoist != FORM {
            return Err(Error::invalid("/hoist", format!("this server reads version {FORM} of the form")));
        }
        let mut imported = Imported::default();
        self.import_environments(&file, &mut imported).await?;
        self.import_segments(file.segments, &mut imported).await?;
        self.import_flags(file.flags, &mut imported).await?;
        self.record(Record {
            action: Action::ProjectImported,
            kind: "project",
            key: self.project.to_string(),
            environment: None,
            flag: None,
            changes: crate::audit::diff(None, Some(&imported)),
        });
        self.serve_new_environments();
        Ok(imported)
    }

    async fn import_environments(&mut self, file: &ProjectFile, imported: &mut Imported) -> Result<()> {
        let existing = self.environments().await?;
        for (position, new) in (0..).zip(&file.environments) {
            check_texts(new.name.as_deref(), None)?;
            if existing.iter().any(|it| it.key == new.key) {
                continue;
            }
            let environment = new.clone().into_environment(self.at, position);
            self.insert_environment(&environment).await?;
            self.fill_environment(&environment.key).await?;
            imported.environments_created += 1;
        }
        if existing.len() + imported.environments_created > MAX_ENVIRONMENTS {
            let detail = format!("a project has at most {MAX_ENVIRONMENTS} environments");
            return Err(Error::invalid("/environments", detail));
        }
        Ok(())
    }

    async fn import_segments(&mut self, segments: Vec<NewSegment>, imported: &mut Imported) -> Result<()> {
        let existing = self.segments().await?;
        for (index, new) in segments.into_iter().enumerate() {
            self.place(Kind::Segment, &new.key, format!("/segments/{index}"));
            check_texts(new.name.as_deref(), Some(&new.description))?;
            let before = existing.iter().find(|it| it.key == new.key);
            let mut after = new.into_segment(self.at, self.actor());
            match before {
                None => imported.segments_created += 1,
                Some(before) if after.says_the_same(before) => continue,
                Some(before) => {
                    after.version = before.version + 1;
                    imported.segments_updated += 1;
                }
            }
            self.put_segment(before, &after).await?;
        }
        if existing.len() + imported.segments_created > MAX_SEGMENTS {
            let detail = format!("a project has at most {MAX_SEGMENTS} segments");
            return Err(Error::invalid("/segments", detail));
        }
        Ok(())
    }

    async fn import_flags(&mut self, flags: Vec<FileFlag>, imported: &mut Imported) -> Result<()> {
        flags_left(self, flags.len()).await?;
        for (index, new) in flags.into_iter().enumerate() {
            let at = format!("/flags/{index}");
            self.place(Kind::Flag, &new.key, at.clone());
            let settings = new.settings.clone();
            let flag = match self.flag(&new.key).await {
                Ok(before) => self.import_over(&at, &before, new, imported).await?,
                Err(Error::NotFound(_)) => {
                    imported.flags_created += 1;
                    let flag = flag_of(new, self.at, self.actor());
                    flag.check().map_err(|error| within(&at, error))?;
                    self.create_flag(flag).await.map_err(|error| within(&at, error))?.flag
                }
                Err(error) => return Err(error),
            };
            for (environment, settings) in settings {
                self.import_settings(&flag, &environment, settings, imported).await?;
            }
        }
        Ok(())
    }

    async fn import_over(
        &mut self,
        at: &str,
        before: &Flag,
        new: FileFlag,
        imported: &mut Imported,
    ) -> Result<Flag> {
        let fixed =
            (before.flag_type, &before.salt, before.bucketing) == (new.flag_type, &new.salt, new.bucketing);
        if !fixed || before.archived_at.is_some() {
            let detail =
                "a flag of this key is archived, or has another type, salt or bucketing, which never change";
            return Err(Error::invalid(at, detail));
        }
        let mut after = flag_of(new, before.created_at, &before.created_by);
        after.check().map_err(|error| within(at, error))?;
        after.version = before.version;
        if after == *before {
            return Ok(after);
        }
        after.version += 1;
        imported.flags_updated += 1;
        self.update_flag(before, &after).await?;
        Ok(after)
    }

    async fn import_settings(
        &mut self,
        flag: &Flag,
        environment: &EnvironmentKey,
        mut settings: Settings,
        imported: &mut Imported,
    ) -> Result<()> {
        let current = self.settings(environment, &flag.key).await?;
        allocate_splits(&current.settings, &mut settings, Sent::Trusted);
        if current.settings == settings {
            return Ok(());
        }
        imported.settings_updated += 1;
        let written = self.put_settings(environment, flag, current.version + 1, settings).await?;
        let record = settings_record(
            Action::SettingsUpdated,
            environment,
            &flag.key,
            Some(&current.settings),
            &written.settings,
        );
        self.record(record);
        Ok(())
    }
}

fn flag_of(new: FileFlag, created_at: Timestamp, created_by: &str) -> Flag {
    Flag {
        key: new.key,
        name: new.name,
        description: new.description,
        flag_type: new.flag_type,
        variants: new.variants,
        purpose: new.purpose,
        owner: new.owner,
        tags: new.tags,
        expires_at: new.expires_at,
        salt: new.salt,
        bucketing: new.bucketing,
        version: 1,
        created_at,
        created_by: created_by.to_owned(),
        archived_at: None,
        archived_by: None,
    }
}

/// Moves the faults of a part to where the part stands in the file.
fn within(at: &str, error: Error) -> Error {
    match error {
        Error::Invalid(faults) => Error::Invalid(faults_within(at, faults)),
        Error::Conflict(detail, faults) => Error::Conflict(detail, faults_within(at, faults)),
        other => other,
    }
}

fn faults_within(at: &str, faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().map(|fault| Fault::new(format!("{at}{}", fault.pointer), fault.detail)).collect()
}
