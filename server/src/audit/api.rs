//! Routes of the audit.

use std::future::ready;

use actix_web::http::header;
use actix_web::{HttpResponse, get, web};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Sealed, Verification};
use crate::access::Caller;
use crate::app::App;
use crate::clock::Timestamp;
use crate::error::{Error, ReadProblems, Result};
use crate::keys::{FlagKey, ProjectKey};
use crate::page::{Items, MAX_LIMIT, limit};
use crate::reply::Reply;

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One page as an object with `items` and `next_cursor`.
    #[default]
    Json,
    /// One entry a line.
    Ndjson,
    /// One entry a row.
    Csv,
}

/// Which entries to read.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A project.
    pub project: Option<String>,
    /// A flag.
    pub flag: Option<String>,
    /// An environment.
    pub environment: Option<String>,
    /// Who: `token:<name>`, `user:<name>`, `ramp:<flag>` or `system`.
    pub actor: Option<String>,
    /// What was done, such as `settings.rollout`.
    pub action: Option<String>,
    /// From this instant on.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// How many at most, from 1 to 500. When absent, a page of JSON has 100, and NDJSON and CSV have all entries.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u64>,
    /// How the answer is written.
    #[serde(default)]
    #[param(required = false, inline)]
    pub format: Format,
}

impl Filter {
    /// Where the cursor stands: instant, project and sequence of the last entry read.
    pub(super) fn before(&self) -> Result<Option<(i64, String, i64)>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let mut parts = cursor.splitn(3, ':');
        let parsed = (|| {
            let (at, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some((at, parts.next()?.to_owned(), sequence))
        })();
        parsed
            .map(Some)
            .ok_or_else(|| Error::Malformed("this cursor did not come from here".to_owned(), Vec::new()))
    }
}

fn cursor(sealed: &Sealed) -> String {
    format!("{}:{}:{}", sealed.entry.at.ms(), sealed.entry.sequence, sealed.entry.project)
}

/// Reads the audit, newest entry first.
#[utoipa::path(tag = "audit", params(Filter), responses((status = 200, content((Items<Sealed> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))), ReadProblems))]
#[get("/audit")]
pub(crate) async fn list_audit(
    app: web::Data<App>,
    caller: Caller,
    filter: web::Query<Filter>,
) -> Result<HttpResponse> {
    let mut filter = filter.into_inner();
    if let Some(own) = caller.project() {
        filter.project.get_or_insert_with(|| own.to_string());
    }
    if let Some(project) = filter.project.as_deref() {
        let project = ProjectKey::parse(project).ok_or_else(|| Error::missing("project", project))?;
        caller.view(&project, None)?;
    }
    confine(&caller, &mut filter)?;
    answer(&app, filter).await
}

/// A caller of one environment reads that one's entries only.
fn confine(caller: &Caller, filter: &mut Filter) -> Result<()> {
    let Some(own) = caller.environment() else { return Ok(()) };
    if filter.environment.get_or_insert_with(|| own.to_string()) == &**own {
        return Ok(());
    }
    Err(Error::Forbidden(format!("this token is for environment `{own}` only")))
}

/// Reads a flag's part of the audit, newest entry first.
#[utoipa::path(tag = "audit", params(Filter), responses((status = 200, content((Items<Sealed> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))), ReadProblems))]
#[get("/projects/{project}/flags/{flag}/history")]
pub(crate) async fn list_flag_history(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(ProjectKey, FlagKey)>,
    filter: web::Query<Filter>,
) -> Result<HttpResponse> {
    let (project, flag) = path.into_inner();
    caller.view(&project, None)?;
    app.store.project(&project).await?;
    let (project, flag) = (Some(project.to_string()), Some(flag.to_string()));
    let mut filter = Filter { project, flag, ..filter.into_inner() };
    confine(&caller, &mut filter)?;
    answer(&app, filter).await
}

async fn answer(app: &web::Data<App>, filter: Filter) -> Result<HttpResponse> {
    let whole = filter.limit.is_none() && filter.format != Format::Json;
    let limit = if whole { MAX_LIMIT } else { limit(filter.limit)? };
    let page = page(app, &filter, limit).await?;
    let (kind, name) = match filter.format {
        Format::Json => return Ok(Reply::ok(&page).as_response()),
        Format::Ndjson => ("application/x-ndjson", "audit.ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "audit.csv"),
    };
    let mut response = HttpResponse::Ok();
    let file = format!("attachment; filename=\"{name}\"");
    response.content_type(kind).insert_header((header::CONTENT_DISPOSITION, file));
    let head = if filter.format == Format::Csv { COLUMNS } else { "" };
    let first = head.to_owned() + &lines(filter.format, &page.items);
    if !whole {
        if let Some(next) = page.next_cursor {
            response.insert_header(("hoist-next-cursor", next));
        }
        return Ok(response.body(first));
    }
    let rest = Rest { app: app.clone(), filter: Filter { cursor: page.next_cursor, ..filter } };
    let first = stream::once(ready(Ok(Bytes::from(first))));
    Ok(response.streaming(first.chain(stream::unfold(rest, Rest::next))))
}

async fn page(app: &App, filter: &Filter, limit: u64) -> Result<Items<Sealed>> {
    Ok(Items::page(app.store.audit(filter, limit + 1).await?, limit, cursor))
}

/// What of an export is still to be sent, page by page. One that cannot be read on is broken off, and so is not taken for
/// the whole.
struct Rest {
    app: web::Data<App>,
    filter: Filter,
}

impl Rest {
    async fn next(mut self) -> Option<(Result<Bytes>, Self)> {
        self.filter.cursor.as_ref()?;
        match page(&self.app, &self.filter, MAX_LIMIT).await {
            Ok(page) => {
                self.filter.cursor = page.next_cursor;
                Some((Ok(lines(self.filter.format, &page.items).into()), self))
            }
            Err(error) => {
                self.filter.cursor = None;
                Some((Err(error), self))
            }
        }
    }
}

fn lines(format: Format, entries: &[Sealed]) -> String {
    if format == Format::Csv { csv(entries) } else { ndjson(entries) }
}

fn ndjson(entries: &[Sealed]) -> String {
    entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()).map(|line| line + "\n").collect()
}

const COLUMNS: &str = "sequence,at,project,environment,flag,target,action,actor,via,reason,request_id,revision,changes,hash\r\n";

fn csv(entries: &[Sealed]) -> String {
    let mut text = String::new();
    for Sealed { entry, hash } in entries {
        let cells = [
            entry.sequence.to_string(),
            entry.at.to_string(),
            entry.project.to_string(),
            entry.environment.as_deref().unwrap_or_default().to_owned(),
            entry.flag.as_deref().unwrap_or_default().to_owned(),
            format!("{}:{}", entry.target.kind, entry.target.key),
            entry.action.name(),
            entry.actor.clone(),
            serde_json::to_string(&entry.via).unwrap_or_default().trim_matches('"').to_owned(),
            entry.reason.clone().unwrap_or_default(),
            entry.request_id.clone(),
            entry.revision.map(|revision| revision.to_string()).unwrap_or_default(),
            serde_json::to_string(&entry.changes).unwrap_or_default(),
            hash.clone(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// Quotes a cell (RFC 4180) and disarms what a spreadsheet would take for a formula.
pub(crate) fn csv_cell(text: &str) -> String {
    let armed = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if armed { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Which chain to verify.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Chain {
    /// The project of the chain.
    #[param(example = "default")]
    project: ProjectKey,
}

/// Follows a project's chain from its first entry and tells whether anything was edited or is missing.
#[utoipa::path(tag = "audit", params(Chain), responses((status = 200, body = Verification), ReadProblems))]
#[get("/audit/verify")]
pub(crate) async fn get_audit_verification(
    app: web::Data<App>,
    caller: Caller,
    chain: web::Query<Chain>,
) -> Result<Reply> {
    caller.view(&chain.project, None)?;
    Ok(Reply::ok(&app.store.verify_audit(&chain.project).await?))
}

#[cfg(test)]
mod tests {
    use super::csv_cell;

    #[test]
    fn a_cell_can_neither_break_out_nor_calculate() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("@x,y"), "\"'@x,y\"");
    }
}
