//! The API requests that create or update one note with the summary on a GitLab merge request.
//!
//! One note for each job, found again by a mark that no reader sees, so that the tenth push to a merge request doesn't make the
//! tenth note. Pure: who sends the requests is the caller's affair.
//!
//! Sources: docs.gitlab.com "Notes API", "REST API pagination" and "Predefined CI/CD variables reference", 2026-11-25. The
//! token that every job has, `CI_JOB_TOKEN`, can't write notes (gitlab.com gitlab-org/gitlab issue 464591, open on 2026-11-25).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::ci::comment_mark::mark;
use crate::environment::Environment;
use crate::error::Error;

/// Where the token comes from: a name that GitLab's own tools know, and no option, so that it is on no command line.
pub const TOKEN_VARIABLE: &str = "GITLAB_TOKEN";

/// How long a note gets, in bytes. GitLab takes a million characters, which nobody would scroll through.
pub const BYTES: usize = 60 * 1024;

/// Notes on a page: ours is among the first, as it was changed last, and a page has to fit into an answer.
const PER_PAGE: usize = 50;

/// So many pages are looked through; if ours isn't on them, a new note is written.
pub const PAGES: usize = 10;

/// The note of this job on the merge request that it runs for.
pub struct Note {
    api: Url,
    project: String,
    merge_request: String,
    token: SecretString,
    mark: String,
}

/// The token, if there is one: to be masked, whether a note is written or not.
pub fn token(environment: &Environment) -> Option<SecretString> {
    value(environment, TOKEN_VARIABLE).map(SecretString::from)
}

impl Note {
    /// The note that this environment is about; `None` where the pipeline isn't one of a merge request.
    ///
    /// # Errors
    /// [`Error::Credentials`] without a token, [`Error::Network`] for a gateway that the token must not be sent to.
    pub fn of(environment: &Environment) -> Result<Option<Self>, Error> {
        let number =
            |name: &str| value(environment, name).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        // Of a merge request from a fork, the notes are those of the project that it goes to.
        let project = number("CI_MERGE_REQUEST_PROJECT_ID").or_else(|| number("CI_PROJECT_ID"));
        let (Some(merge_request), Some(project)) = (number("CI_MERGE_REQUEST_IID"), project) else { return Ok(None) };
        let token = token(environment).ok_or_else(|| Error::Credentials {
            message: format!("the note on the merge request needs a token, and `{TOKEN_VARIABLE}` is empty"),
            help: format!(
                "store a project access token with the scope `api` as the masked CI/CD variable `{TOKEN_VARIABLE}`; the \
                 job's own token can't write notes"
            ),
        })?;
        let job = value(environment, "CI_JOB_NAME").unwrap_or("cdn-purge");
        Ok(Some(Self {
            api: gateway(environment)?,
            project: project.to_owned(),
            merge_request: merge_request.to_owned(),
            token,
            mark: mark(job),
        }))
    }

    /// The gateway that the requests go to.
    pub fn gateway(&self) -> &Url {
        &self.api
    }

    /// Whose token it is.
    pub fn who(&self) -> Request<Bytes> {
        self.request(Method::GET, &self.at("user"), Bytes::new())
    }

    /// A page of the merge request's notes, from 1.
    pub fn page(&self, number: usize) -> Request<Bytes> {
        let mut url = self.notes(None);
        url.set_query(Some(&format!("order_by=updated_at&sort=desc&per_page={PER_PAGE}&page={number}")));
        self.request(Method::GET, &url, Bytes::new())
    }

    /// Writes the summary: over the note of this id, else as a new one.
    pub fn write(&self, id: Option<u64>, markdown: &str) -> Request<Bytes> {
        let method = if id.is_some() { Method::PUT } else { Method::POST };
        let body = json!({ "body": format!("{}\n\n{markdown}", self.mark) }).to_string();
        self.request(method, &self.notes(id), body.into())
    }

    /// The id of our note on a page, and whether there may be more pages. A note of somebody else's that bears our mark is none
    /// of ours: its author could write on it again.
    ///
    /// # Errors
    /// A sentence when the answer isn't a page.
    pub fn find(&self, answer: &Response<Bytes>, author: u64) -> Result<(Option<u64>, bool), String> {
        let read = good(answer)?;
        let notes = read.as_array().ok_or("GitLab's list of notes isn't one")?;
        let is_ours = |note: &&Value| {
            let body = note["body"].as_str().unwrap_or_default();
            note["author"]["id"].as_u64() == Some(author) && body.starts_with(&self.mark)
        };
        Ok((notes.iter().find(is_ours).and_then(|note| note["id"].as_u64()), notes.len() >= PER_PAGE))
    }

    fn notes(&self, id: Option<u64>) -> Url {
        let notes = format!("projects/{}/merge_requests/{}/notes", self.project, self.merge_request);
        self.at(&id.map_or_else(|| notes.clone(), |id| format!("{notes}/{id}")))
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.api.clone();
        url.set_path(&format!("{}/{path}", self.api.path().trim_end_matches('/')));
        url
    }

    fn request(&self, method: Method, url: &Url, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().expect("a URL of scheme, host and path is a URI");
        let headers = request.headers_mut();
        let mut token = HeaderValue::from_str(self.token.expose_secret()).expect("a token was looked at before");
        token.set_sensitive(true);
        headers.insert("private-token", token);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}

/// The user's id in the answer to [`Note::who`].
///
/// # Errors
/// A sentence with GitLab's own words when it is a refusal.
pub fn user(answer: &Response<Bytes>) -> Result<u64, String> {
    good(answer)?["id"].as_u64().ok_or_else(|| "GitLab doesn't say whose token it is".to_owned())
}

/// Whether the note was written.
///
/// # Errors
/// A sentence with GitLab's own words when it wasn't.
pub fn written(answer: &Response<Bytes>) -> Result<(), String> {
    good(answer).map(drop)
}

fn good(answer: &Response<Bytes>) -> Result<Value, String> {
    let read: Option<Value> = serde_json::from_slice(answer.body()).ok();
    if !answer.status().is_success() {
        let said = read.as_ref().and_then(|read| read.get("message").or_else(|| read.get("error")));
        let said = said.map_or_else(String::new, |said| {
            format!(": {}", said.as_str().map_or_else(|| said.to_string(), str::to_owned))
        });
        return Err(format!("GitLab answers HTTP {}{said}", answer.status().as_u16()));
    }
    read.ok_or_else(|| "GitLab's answer isn't JSON".to_owned())
}

/// The API of the server that runs this job, and no other: the token goes there.
fn gateway(environment: &Environment) -> Result<Url, Error> {
    let refused = |message: String, help: &str| Error::Network { message, help: help.into() };
    let text = value(environment, "CI_API_V4_URL").unwrap_or_default();
    let url = Url::parse(text).ok().filter(Url::has_host).filter(|url| url.username().is_empty());
    let url = url.ok_or_else(|| {
        refused("`CI_API_V4_URL` isn't a URL, so the note can't be sent".into(), "leave it as GitLab sets it")
    })?;
    let server = value(environment, "CI_SERVER_HOST").unwrap_or_default();
    if !url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(server)) {
        return Err(refused(
            format!(
                "`CI_API_V4_URL` isn't on `CI_SERVER_HOST`, so no token is sent to `{}`",
                url.host_str().unwrap_or("")
            ),
            "leave both as GitLab sets them",
        ));
    }
    Ok(url)
}

/// A variable without surrounding white space; one that holds anything but visible ASCII is none of ours, except a job's name.
fn value<'e>(environment: &'e Environment, name: &str) -> Option<&'e str> {
    let text = environment.get(name)?.trim();
    let is_plain = name == "CI_JOB_NAME" || text.bytes().all(|byte| byte.is_ascii_graphic());
    (!text.is_empty() && is_plain).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: [(&str, &str); 7] = [
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
        ("CI_SERVER_HOST", "gitlab.example.com"),
        ("CI_PROJECT_ID", "9"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "7"),
        ("CI_MERGE_REQUEST_IID", "12"),
        ("CI_JOB_NAME", "refresh --> cdn: [a]"),
        ("GITLAB_TOKEN", " glpat-secret\n"),
    ];

    fn note(changed: &[(&str, &str)]) -> Result<Option<Note>, Error> {
        let pairs = JOB.iter().chain(changed);
        Note::of(&pairs.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    #[test]
    fn the_requests_are_those_of_the_notes_api() {
        let note = note(&[]).unwrap().unwrap();
        let request_line = |request: Request<Bytes>| {
            assert_eq!(request.headers()["private-token"], "glpat-secret");
            assert!(!format!("{request:?}").contains("glpat"), "the token shows in {request:?}");
            format!("{} {}", request.method(), request.uri())
        };
        assert_eq!(request_line(note.who()), "GET https://gitlab.example.com/api/v4/user");
        let notes = "https://gitlab.example.com/api/v4/projects/7/merge_requests/12/notes";
        let query = "order_by=updated_at&sort=desc&per_page=50&page=3";
        assert_eq!(request_line(note.page(3)), format!("GET {notes}?{query}"));
        assert_eq!(request_line(note.write(None, "x")), format!("POST {notes}"));
        assert_eq!(request_line(note.write(Some(5), "x")), format!("PUT {notes}/5"));
    }

    #[test]
    fn a_note_is_found_again_by_its_mark_and_its_author_alone() {
        let note = note(&[]).unwrap().unwrap();
        let body: Value = serde_json::from_slice(note.write(None, "### plan").body()).unwrap();
        let body = body["body"].as_str().unwrap();
        assert!(body.ends_with("-->\n\n### plan") && body.matches("-->").count() == 1, "{body}");
        let page = |author: u64, body: &str| {
            answer(200, &json!([{ "id": 1, "body": "hello", "author": { "id": 4 } }, { "id": 2, "body": body, "author": { "id": author } }]).to_string())
        };
        assert_eq!(note.find(&page(4, body), 4), Ok((Some(2), false)));
        assert_eq!(note.find(&page(5, body), 4), Ok((None, false)), "of somebody else");
        assert_eq!(note.find(&page(4, &format!("> {body}")), 4), Ok((None, false)), "quoted");
        let full = vec![json!({ "id": 1, "body": "hello" }); PER_PAGE];
        assert_eq!(note.find(&answer(200, &json!(full).to_string()), 4), Ok((None, true)));
    }

    #[test]
    fn the_token_goes_to_the_server_of_the_job_alone() {
        for (name, text) in [
            ("CI_API_V4_URL", "https://evil.example/api/v4"),
            ("CI_API_V4_URL", "https://gitlab.example.com@evil.example/api/v4"),
            ("CI_API_V4_URL", ""),
            ("CI_SERVER_HOST", ""),
            ("CI_SERVER_HOST", "other.example.com"),
        ] {
            assert!(matches!(note(&[(name, text)]), Err(Error::Network { .. })), "{name}={text}");
        }
        assert!(matches!(note(&[("GITLAB_TOKEN", "two words")]), Err(Error::Credentials { .. })));
    }

    #[test]
    fn a_pipeline_of_a_branch_has_no_note() {
        assert!(note(&[("CI_MERGE_REQUEST_IID", "")]).unwrap().is_none());
        assert!(note(&[("CI_MERGE_REQUEST_IID", "12/../../user")]).unwrap().is_none());
    }

    #[test]
    fn a_refusal_is_told_in_gitlabs_words() {
        assert_eq!(
            user(&answer(401, r#"{"message":"401 Unauthorized"}"#)),
            Err("GitLab answers HTTP 401: 401 Unauthorized".into())
        );
        assert_eq!(
            written(&answer(403, r#"{"error":"insufficient_scope","scope":"api"}"#)),
            Err("GitLab answers HTTP 403: insufficient_scope".into())
        );
        assert_eq!(
            written(&answer(400, r#"{"message":{"body":["is too long"]}}"#)),
            Err(r#"GitLab answers HTTP 400: {"body":["is too long"]}"#.into())
        );
        assert!(written(&answer(502, "<html>")).is_err() && written(&answer(200, "<html>")).is_err());
    }
}
