//! Where what a document says is done: a repository with a history in which each rule of the documents finds something, the
//! vendors in memory, and in front of the real programs a few that hand over to what a test has.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::cli::stage::{CONFIGURATION, Finished, KEY, Run, SECRET, Site};
use crate::cli::vendor::Vendor;
use crate::generated::path;

/// The last commit changes all of these.
const CHANGED: &[&str] = &[
    "Cargo.toml",
    "README.md",
    "clips/intro.mp4",
    "content/posts/2026/spring.md",
    "dist/assets/app.4f2a91c0.js",
    "dist/index.html",
    "docs/guide/index.md",
    "docs/guide/plan.png",
    "docs/guide/start.md",
    "docs/index.md",
    "manifests/latest.json",
    "mkdocs.yml",
    "packages/game-1.2.3.pak",
    "packages/styles/dist/main.css",
    "public/cn/index.html",
    "public/docs/index.html",
    "public/style.css",
    "sites/blog/public/index.html",
    "sites/shop/public/index.html",
    "src/lib.rs",
    "templates/page.html",
    "tests/cases/names.md",
];

/// The variables of each provider's credentials, with the values that the emulators accept.
pub const KEYS: [(&str, &str); 7] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET),
    ("HUAWEICLOUD_SDK_AK", KEY),
    ("HUAWEICLOUD_SDK_SK", SECRET),
    ("CLOUDFLARE_API_TOKEN", SECRET),
    ("AWS_ACCESS_KEY_ID", KEY),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
];

/// Lists that the documents name.
const LISTS: [(&str, &str); 2] = [
    ("urls.txt", "# what is stale\nhttps://www.example.com/a.html\n\nhttps://www.example.com/b.html\n"),
    ("directories.txt", "https://www.example.com/docs/\n"),
];

/// Programs that the documents start and a test hasn't got, or may not start: each hands over to this build.
const PROGRAMS: [(&str, &str); 2] = [
    (
        "cargo",
        r#"[ "$1" = run ] || { echo "this cargo only runs: $*" >&2; exit 64; }
shift
[ "$1" != --release ] || shift
[ "$1" = -- ] || exit 64
shift
exec cdn-purge "$@"
"#,
    ),
    // A container gets none of its host's variables, and the image's entrypoint is the program.
    (
        "docker",
        r#"[ "$1" = run ] || { echo "this docker only runs: $*" >&2; exit 64; }
shift
while [[ $1 = --* ]]; do
    case $1 in
    --rm | --read-only) shift ;;
    --user | --tmpfs) shift 2 ;;
    *) exit 64 ;;
    esac
done
[ "$1" = cdn-purge ] || { echo "there is no image $1" >&2; exit 64; }
shift
exec env -i TMPDIR="$TMPDIR" "$(command -v cdn-purge)" "$@"
"#,
    ),
];

pub struct Ground {
    pub site: Site,
    pub vendor: Vendor,
    programs: PathBuf,
}

impl Ground {
    /// With this configuration, or one that has the target `mainland`.
    pub fn new(configuration: Option<&str>) -> Self {
        let site = Site::empty();
        // The minutes that this provider wants between a refresh and a prefetch; its emulator is fast.
        let provider = "provider: huawei-cdn\n";
        let configuration = configuration.unwrap_or(CONFIGURATION);
        let configuration = &configuration.replace(provider, &format!("{provider}    prefetch-delay: 1s\n"));
        site.git(&["init", "--quiet", "--initial-branch=main"]);
        for place in ["cdn-purge.yml", "sites/shop/cdn-purge.yml"] {
            site.write(place, configuration);
        }
        for (list, text) in LISTS {
            site.write(list, text);
        }
        let example = std::fs::read(path("examples/cdn-purge.yml")).unwrap();
        site.write("examples/cdn-purge.yml", example);
        for (version, tag) in [("one", "v1.4.0"), ("two", "v2.3.1"), ("three", "v2.4.0")] {
            for file in CHANGED {
                site.write(file, format!("{file}, version {version}\n"));
            }
            site.commit(tag);
            site.git(&["tag", tag]);
        }
        let programs = site.sibling("programs");
        std::fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cdn-purge"), programs.join("cdn-purge")).unwrap();
        for (name, text) in PROGRAMS {
            let program = programs.join(name);
            std::fs::write(&program, format!("#!/usr/bin/env bash\n{text}")).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { site, vendor: Vendor::with_environment(&[], &KEYS), programs }
    }

    /// A script that ends at its first failure, on a machine without CI and credentials, that reaches the emulators alone.
    pub fn script(&self, text: &str) -> Run {
        let mut search = self.programs.clone().into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").unwrap_or_default());
        let gateway = format!("http://{}", self.vendor.address());
        let endpoints = ["alibaba-cdn", "alibaba-dcdn", "alibaba-vod", "huawei-cdn", "cloudflare", "cloudfront"];
        let endpoints = endpoints.map(|provider| format!("{provider}={gateway}")).join("\n");
        let run = self.site.start_of("bash", &["-euo", "pipefail", "-c", text]);
        // A program that takes the shell's place is killed with it anyway.
        let run = if text.starts_with("exec ") { run } else { run.with_its_children() };
        let services = ["ALIBABA_CLOUD_STS_ENDPOINT", "AWS_ENDPOINT_URL_STS"].map(|name| (name, gateway.as_str()));
        run.env("PATH", search).env("CDN_PURGE_ENDPOINT", endpoints).envs(&services)
    }

    /// Makes it a repository that has never heard of this program.
    pub fn forget_the_configuration(&self) {
        std::fs::remove_file(self.site.repository().join("cdn-purge.yml")).unwrap();
        // A site that is committed as it is served: one that is built has to be built before anything can be planned.
        self.site.git(&["rm", "--quiet", "mkdocs.yml"]);
        self.site.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    }

    pub fn commit(&self, revision: &str) -> String {
        self.site.git(&["rev-parse", revision])
    }

    /// The id of a task that the vendor took before.
    pub fn earlier_task(&self) -> String {
        let list = "cdn-purge refresh --provider alibaba-cdn -f urls.txt --report-file ../report.json";
        let finished = self.script(list).envs(&KEYS).finish();
        finished.ends_with(0);
        let report: &Value = finished.report();
        report["task_ids"][0].as_str().unwrap().to_owned()
    }
}

/// Ends well, and has done something.
#[track_caller]
pub fn assert_done(finished: &Finished, place: &str) {
    let printed = format!("{}{}", finished.out, finished.err);
    assert_eq!(finished.code, Some(0), "{place}:\n{printed}");
    assert!(!printed.contains("nothing to do"), "{place} does nothing:\n{printed}");
}
