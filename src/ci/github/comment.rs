//! The API requests that create or update one comment with the summary on a GitHub pull request.
//!
//! One comment for each job of a workflow, found again by a mark that no reader sees. Pure: the caller sends the requests.
//!
//! Sources: docs.github.com "GraphQL: objects" (`IssueComment.viewerDidAuthor`, `Bot`) and "GraphQL: mutations" (`addComment`,
//! `updateIssueComment`), and marocchino/sticky-pull-request-comment, which finds and updates its comment in the same way with the
//! job's own token; 2026-11-30. A comment's number doesn't fit into GraphQL's `Int`, so its node id is used.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::ci::comment_mark::mark;
use crate::environment::Environment;
use crate::error::Error;

/// The most that a comment gets, in bytes. GitHub accepts 65,536 characters.
pub const BYTES: usize = 60 * 1024;

/// Comments on a page, the newest first: their texts have to fit into an answer.
const PER_PAGE: usize = 50;

/// So many pages are searched; if ours isn't on them, a new comment is written.
pub const PAGES: usize = 10;

const FIND: &str = "query($owner:String!,$name:String!,$number:Int!,$count:Int!,$before:String){viewer{login}\
    repository(owner:$owner,name:$name){pullRequest(number:$number){id comments(last:$count,before:$before){\
    nodes{id body viewerDidAuthor author{__typename login}}pageInfo{hasPreviousPage startCursor}}}}}";

const ADD: &str = "mutation($id:ID!,$body:String!){addComment(input:{subjectId:$id,body:$body}){clientMutationId}}";

const UPDATE: &str = "mutation($id:ID!,$body:String!){updateIssueComment(input:{id:$id,body:$body}){clientMutationId}}";

/// The comment of this job on the pull request that it runs for.
pub struct Comment {
    api: Url,
    owner: String,
    name: String,
    number: u64,
    token: SecretString,
    mark: String,
}

/// What a page of comments says.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The node id of the pull request.
    pub pull_request: String,
    /// The node id of our comment, if it is on the page.
    pub comment: Option<String>,
    /// Where the page before begins, if there is one.
    pub before: Option<String>,
}

/// The given token, else the job's own: to be masked, whether a comment is written or not.
pub fn token(environment: &Environment, given: Option<&SecretString>) -> Option<SecretString> {
    let own = || environment.get("GITHUB_TOKEN").map(|token| token.trim()).filter(|token| !token.is_empty());
    given.cloned().or_else(|| own().map(SecretString::from))
}

impl Comment {
    /// The comment on this pull request that this environment is about.
    ///
    /// # Errors
    /// [`Error::Credentials`] without a token, [`Error::Network`] where the runner names no API of GitHub.
    pub fn of(environment: &Environment, number: u64, token: Option<&SecretString>) -> Result<Self, Error> {
        let value = |name: &str| environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let is_plain = |token: &SecretString| token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic());
        let token = self::token(environment, token).filter(is_plain).ok_or_else(|| Error::Credentials {
            message: "the comment on the pull request needs a token, and `token` is empty".into(),
            help: "set the variable `GITHUB_TOKEN` of the step, and `permissions: pull-requests: write` of the job"
                .into(),
        })?;
        let host_of = |name: &str| Some(Url::parse(value(name)?).ok()?.host_str()?.to_owned());
        // The token goes to the API that the runner names, and to no other host.
        let api = value("GITHUB_GRAPHQL_URL").and_then(|text| Url::parse(text).ok());
        let api = api.filter(|api| api.username().is_empty() && api.host_str() == host_of("GITHUB_API_URL").as_deref());
        let (owner, name) = value("GITHUB_REPOSITORY").and_then(|text| text.split_once('/')).unwrap_or_default();
        let api = api.filter(|_| !name.is_empty()).ok_or_else(|| Error::Network {
            message: "the runner names no GraphQL API of GitHub, so the comment can't be sent".into(),
            help: "leave `GITHUB_GRAPHQL_URL`, `GITHUB_API_URL` and `GITHUB_REPOSITORY` as GitHub sets them".into(),
        })?;
        let job = [value("GITHUB_WORKFLOW").unwrap_or_default(), value("GITHUB_JOB").unwrap_or_default()].join("/");
        let (owner, name, mark) = (owner.to_owned(), name.to_owned(), mark(&job));
        Ok(Self { api, owner, name, number, token, mark })
    }

    /// The gateway that the requests go to.
    pub fn gateway(&self) -> &Url {
        &self.api
    }

    /// A page of the comments: the last one, or the one before a place.
    pub fn page(&self, before: Option<&str>) -> Request<Bytes> {
        let Self { owner, name, number, .. } = self;
        let variables = json!({ "owner": owner, "name": name, "number": number, "count": PER_PAGE, "before": before });
        self.request(FIND, variables)
    }

    /// Writes the summary: over our comment, else as a new one.
    pub fn write(&self, found: &Found, markdown: &str) -> Request<Bytes> {
        let body = format!("{}\n\n{markdown}", self.mark);
        match &found.comment {
            Some(id) => self.request(UPDATE, json!({ "id": id, "body": body })),
            None => self.request(ADD, json!({ "id": found.pull_request, "body": body })),
        }
    }

    /// What a page of comments says. A comment of somebody else's that has our mark is none of ours: its author could write on it
    /// again. Of an app's own comments some tokens aren't said to be the author, so a bot of the token's name is taken, too.
    ///
    /// # Errors
    /// A sentence when the answer isn't a page.
    pub fn find(&self, answer: &Response<Bytes>) -> Result<Found, String> {
        let data = good(answer)?;
        let viewer = data["viewer"]["login"].as_str().unwrap_or_default();
        let pull_request = &data["repository"]["pullRequest"];
        let (Some(id), Some(comments)) = (pull_request["id"].as_str(), pull_request["comments"]["nodes"].as_array())
        else {
            return Err(format!("GitHub shows no pull request {} to this token", self.number));
        };
        let is_ours = |comment: &&Value| {
            let author = &comment["author"];
            let is_bot = author["__typename"] == "Bot"
                && viewer.strip_suffix("[bot]").is_some_and(|name| author["login"] == name);
            let is_author = comment["viewerDidAuthor"] == true || is_bot;
            is_author && comment["body"].as_str().is_some_and(|body| body.starts_with(&self.mark))
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let page = &pull_request["comments"]["pageInfo"];
        Ok(Found {
            pull_request: id.to_owned(),
            comment: comments.iter().rev().find(is_ours).and_then(|comment| text(&comment["id"])),
            before: text(&page["startCursor"]).filter(|_| page["hasPreviousPage"] == true),
        })
    }

    fn request(&self, query: &str, variables: Value) -> Request<Bytes> {
        let mut request = Request::new(json!({ "query": query, "variables": variables }).to_string().into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.api.as_str().parse().expect("a URL of scheme, host and path is a URI");
        let token = format!("Bearer {}", self.token.expose_secret());
        let mut token = HeaderValue::from_str(&token).expect("a token was looked at before");
        token.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, token);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}

/// Whether the comment was written.
///
/// # Errors
/// A sentence with GitHub's own words when it wasn't.
pub fn written(answer: &Response<Bytes>) -> Result<(), String> {
    good(answer).map(drop)
}

/// The data of an answer. GitHub answers 200 to a query that it refuses, too.
fn good(answer: &Response<Bytes>) -> Result<Value, String> {
    let mut read: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let refusal = read["errors"][0]["message"].as_str().or_else(|| read["message"].as_str());
    if let Some(words) = refusal {
        let permission =
            if words.contains("not accessible") { "; give the job `permissions: pull-requests: write`" } else { "" };
        return Err(format!("GitHub refuses: {words}{permission}"));
    }
    if !answer.status().is_success() || !read["data"].is_object() {
        return Err(format!("GitHub answers HTTP {} without data", answer.status().as_u16()));
    }
    Ok(read["data"].take())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: [(&str, &str); 5] = [
        ("GITHUB_API_URL", "https://api.github.com"),
        ("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
        ("GITHUB_REPOSITORY", "octo/site"),
        ("GITHUB_WORKFLOW", "Deploy --> it"),
        ("GITHUB_JOB", "plan"),
    ];

    fn comment(changed: &[(&str, &str)]) -> Result<Comment, Error> {
        let pairs = JOB.iter().chain(changed).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Comment::of(&pairs.collect(), 12, Some(&SecretString::from("ghs_secret")))
    }

    fn answer(status: u16, body: &Value) -> Response<Bytes> {
        Response::builder().status(status).body(body.to_string().into()).unwrap()
    }

    fn page(comments: &Value, has_more: bool) -> Response<Bytes> {
        let info = json!({ "hasPreviousPage": has_more, "startCursor": "c" });
        let pull_request = json!({ "id": "PR_1", "comments": { "nodes": comments, "pageInfo": info } });
        answer(
            200,
            &json!({ "data": { "viewer": { "login": "github-actions[bot]" }, "repository": { "pullRequest": pull_request } } }),
        )
    }

    #[test]
    fn a_comment_is_found_again_by_its_mark_and_its_author_alone() {
        let comment = comment(&[]).unwrap();
        let request = comment.write(&comment.find(&page(&json!([]), false)).unwrap(), "### plan");
        assert!(!format!("{request:?}").contains("ghs_secret"), "the token shows in {request:?}");
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        let body = sent["variables"]["body"].as_str().unwrap();
        assert!(body.ends_with("-->\n\n### plan") && body.matches("-->").count() == 1, "{body}");
        assert_eq!(sent["variables"]["id"], "PR_1");
        let find = |login: &str, kind: &str, is_viewer: bool, body: &str| {
            let author = json!({ "login": login, "__typename": kind });
            let ours = json!({ "id": "IC_1", "body": body, "viewerDidAuthor": is_viewer, "author": author });
            comment
                .find(&page(&json!([ours, { "id": "IC_2", "body": "thanks", "author": null }]), false))
                .unwrap()
                .comment
        };
        assert_eq!(find("somebody", "User", true, body).as_deref(), Some("IC_1"));
        assert_eq!(find("github-actions", "Bot", false, body).as_deref(), Some("IC_1"));
        assert_eq!(find("github-actions", "User", false, body), None, "a user of a bot's name");
        assert_eq!(find("another", "Bot", false, body), None);
        assert_eq!(find("somebody", "User", true, &format!("> {body}")), None, "quoted");
        assert_eq!(comment.find(&page(&json!([]), true)).unwrap().before.as_deref(), Some("c"));
    }

    #[test]
    fn a_refusal_is_said_in_github_s_words_with_the_permission_that_lacks() {
        let refused = json!({ "data": null, "errors": [{ "message": "Resource not accessible by integration" }] });
        let words = written(&answer(200, &refused)).unwrap_err();
        assert_eq!(
            words,
            "GitHub refuses: Resource not accessible by integration; give the job `permissions: pull-requests: write`"
        );
        assert_eq!(
            written(&answer(401, &json!({ "message": "Bad credentials" }))).unwrap_err(),
            "GitHub refuses: Bad credentials"
        );
        assert_eq!(written(&answer(502, &Value::Null)).unwrap_err(), "GitHub answers HTTP 502 without data");
    }

    #[test]
    fn the_token_goes_to_the_host_of_github_s_api_alone() {
        for changed in [
            ("GITHUB_GRAPHQL_URL", "https://evil.example/graphql"),
            ("GITHUB_GRAPHQL_URL", ""),
            ("GITHUB_GRAPHQL_URL", "https://me@api.github.com/graphql"),
            ("GITHUB_API_URL", ""),
            ("GITHUB_REPOSITORY", "site"),
        ] {
            assert!(matches!(comment(&[changed]), Err(Error::Network { .. })), "{changed:?}");
        }
        let environment = JOB.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        assert!(matches!(Comment::of(&environment, 12, None), Err(Error::Credentials { .. })));
    }
}
