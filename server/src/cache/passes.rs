//! Which tokens let whom read flags, as the cache keeps it: one document a project.
//!
//! Only what SDKs and pages come with is in it, by hash; a token of the API is not, and neither is anything that a token
//! could be made of.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::keys::{EnvironmentKey, ProjectKey};
use crate::tokens::{Kind, Role, Token};

/// A project's environments, and who may read them.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Passes {
    pub(super) environments: Vec<String>,
    tokens: Vec<Pass>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pass {
    hash: String,
    id: String,
    name: String,
    kind: Kind,
    environment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_ms: Option<i64>,
}

impl Passes {
    /// Writes down a project's environments and those of its tokens that read flags, in order.
    pub(super) fn of<'a>(
        environments: impl Iterator<Item = &'a EnvironmentKey>,
        tokens: impl Iterator<Item = (&'a str, &'a Token)>,
    ) -> Self {
        let mut environments: Vec<String> = environments.map(ToString::to_string).collect();
        environments.sort();
        let pass = |(hash, token): (&str, &Token)| {
            let reads = token.kind != Kind::Api;
            let environment = token.environment.as_ref().filter(|_| reads)?.to_string();
            let (id, name, kind) = (token.id.clone(), token.name.clone(), token.kind);
            let expires_ms = token.expires_at.map(Timestamp::ms);
            Some(Pass { hash: hash.to_owned(), id, name, kind, environment, expires_ms })
        };
        let mut tokens: Vec<Pass> = tokens.filter_map(pass).collect();
        tokens.sort_by(|one, other| one.hash.cmp(&other.hash));
        Self { environments, tokens }
    }

    /// The tokens by hash. Whatever the document says, none may do more than read.
    pub(super) fn tokens(self, project: &ProjectKey) -> Vec<(String, Token)> {
        let reading = self.tokens.into_iter().filter(|pass| pass.kind != Kind::Api);
        let token = |pass: Pass| {
            let token = Token {
                id: pass.id,
                name: pass.name,
                kind: pass.kind,
                role: Role::Viewer,
                project: Some(project.clone()),
                environment: Some(EnvironmentKey::stored(pass.environment)),
                created_at: Timestamp::from_ms(0),
                created_by: "cache".to_owned(),
                expires_at: pass.expires_ms.map(Timestamp::from_ms),
                last_used_at: None,
            };
            (pass.hash, token)
        };
        reading.map(token).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(kind: Kind, environment: Option<&str>) -> Token {
        Token {
            id: "id".to_owned(),
            name: "name".to_owned(),
            kind,
            role: Role::Admin,
            project: ProjectKey::parse("p"),
            environment: environment.and_then(EnvironmentKey::parse),
            created_at: Timestamp::from_ms(1),
            created_by: "token:admin".to_owned(),
            expires_at: Some(Timestamp::from_ms(7)),
            last_used_at: None,
        }
    }

    #[test]
    fn only_tokens_that_read_flags_are_kept_and_none_may_do_more() {
        let project = ProjectKey::parse("p").unwrap();
        let all = [token(Kind::Api, Some("e")), token(Kind::Sdk, Some("e")), token(Kind::Web, None)];
        let passes = Passes::of([].iter(), all.iter().map(|token| ("hash", token)));
        let kept = serde_json::to_string(&passes).unwrap();
        assert!(!kept.contains("api") && !kept.contains("web"), "{kept}");
        let tokens = serde_json::from_str::<Passes>(&kept).unwrap().tokens(&project);
        let (hash, token) = &tokens[0];
        assert_eq!(
            (tokens.len(), hash.as_str(), token.kind, token.role),
            (1, "hash", Kind::Sdk, Role::Viewer)
        );
        assert_eq!((token.expires_at, &token.project), (Some(Timestamp::from_ms(7)), &Some(project.clone())));
        let forged = kept.replace("\"sdk\"", "\"api\"");
        assert!(serde_json::from_str::<Passes>(&forged).unwrap().tokens(&project).is_empty());
    }
}
