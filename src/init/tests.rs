use std::collections::BTreeMap;

use proptest::prelude::*;

use super::candidates::Kind;
use super::generators::GENERATORS;
use super::*;
use crate::config::{self, CommandKind, Flags, Settings};
use crate::environment::Environment;
use crate::providers::PROVIDERS;

fn repository(files: &[(&str, &str)]) -> Repository {
    let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
    let contents = wanted(&names).map(|name| (name.to_owned(), texts[name].to_owned())).collect();
    recognise(&names, &contents, PROVIDERS)
}

/// Everything chosen, as a person would.
fn chosen(site_dir: &str) -> Choices {
    Choices {
        provider: PROVIDERS.last().copied(),
        site_dir: Some(site_dir.into()),
        urls: vec![SiteUrl::parse("www.shop.test").unwrap()],
        schema: Some("./x.json".into()),
    }
}

fn written(repository: &Repository, choices: &Choices) -> Draft {
    let decision = repository.decide(choices, PROVIDERS).unwrap();
    draft(repository, &decision, choices)
}

/// The configuration as a run understands it.
fn read(draft: &Draft) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("cdn-purge.yml");
    std::fs::write(&config, &draft.text).unwrap();
    let mut flags = Flags::new();
    flags.add("config", config.to_str().unwrap());
    config::read(CommandKind::Check, &flags, &Environment::new())
        .unwrap_or_else(|error| panic!("{:#?}\n{}", error.diagnostics(), draft.text))
}

#[test]
fn what_isnt_known_is_asked_all_at_once() {
    let questions = repository(&[("main.go", "")]).decide(&Choices::default(), PROVIDERS).unwrap_err();
    let subjects: Vec<Subject> = questions.iter().map(|question| question.subject).collect();
    assert_eq!(subjects, [Subject::SiteDir, Subject::Provider, Subject::Host]);
}

#[test]
fn what_a_person_gives_beats_what_the_repository_says() {
    let repository = repository(&[("dist/index.html", ""), ("web/a.html", ""), ("CNAME", "old.shop.test")]);
    let draft = written(&repository, &chosen("web"));
    assert_eq!(draft.hosts, ["www.shop.test"]);
    assert!(draft.text.contains("\n# yaml-language-server: $schema=./x.json\n"));
    assert!(draft.text.contains("files: \"web/**\""), "{}", draft.text);
    assert_eq!(read(&draft).targets[0].provider.name, PROVIDERS.last().unwrap().name);
    assert!(draft.open.iter().any(|line| line.contains("--site-dir dist")), "{:?}", draft.open);
}

#[test]
fn the_provider_is_the_one_whose_credentials_a_pipeline_names_and_several_are_asked_about() {
    for spec in PROVIDERS {
        for names in spec.credentials {
            let Some(variable) = names.required().next() else { continue };
            let pipeline = format!("env:\n  {variable}: x\n");
            let repository = repository(&[
                (".github/workflows/deploy.yml", &pipeline),
                ("index.html", ""),
                ("CNAME", "www.shop.test"),
            ]);
            let shares = |other: &&&crate::provider::Spec| {
                other.credentials.iter().any(|own| own.required().next() == Some(variable))
            };
            let expected: Vec<&str> = PROVIDERS.iter().filter(shares).map(|spec| spec.name).collect();
            match (repository.decide(&Choices::default(), PROVIDERS), expected.as_slice()) {
                (Ok(decision), [one]) => assert_eq!(decision.provider.name, *one),
                (Err(questions), several) => {
                    let answers: Vec<&str> = questions[0].answers.iter().map(|(answer, _)| answer.as_str()).collect();
                    assert_eq!(answers, several);
                }
                (Ok(decision), several) => panic!("{} of {several:?}", decision.provider.name),
            }
        }
    }
}

#[test]
fn the_provider_is_the_one_whose_files_or_resources_a_repository_has() {
    let provider = |files: &[(&str, &str)]| {
        let choices = Choices { provider: None, site_dir: None, ..chosen("") };
        repository(files).decide(&choices, PROVIDERS).unwrap().provider.name
    };
    for spec in PROVIDERS {
        for sign in spec.signs {
            let terraform = format!("resource \"{sign}\" \"site\" {{}}\n");
            let (path, text) = if sign.contains('.') { (*sign, "") } else { ("infra/main.tf", terraform.as_str()) };
            assert_eq!(provider(&[(path, text), ("index.html", "")]), spec.name, "{sign}");
        }
    }
    let pipeline = ".github/workflows/deploy.yml";
    let both = [("wrangler.toml", ""), (pipeline, "HUAWEICLOUD_SDK_AK"), ("index.html", "")];
    assert_eq!(provider(&both), "huawei-cdn", "credentials in a pipeline say more");
}

#[test]
fn a_folder_whose_name_no_pattern_begins_with_is_passed_over() {
    for folder in [" site", "a\nb", "\tsite", "a*b"] {
        let repository = repository(&[(&format!("{folder}/hugo.toml"), ""), ("public/index.html", "")]);
        read(&written(&repository, &chosen("public")));
    }
}

#[test]
fn a_folder_that_a_shell_or_yaml_would_read_as_more_than_a_word_gets_no_commands() {
    for folder in ["a;curl x|sh", "a b", "$(id)", "a: b", "'a'", "&a"] {
        let repository = repository(&[(&format!("{folder}/hugo.toml"), "")]);
        assert!(repository.candidates.is_empty(), "{folder}");
    }
    let draft = written(&repository(&[("site/hugo.toml", "")]), &Choices { site_dir: None, ..chosen("") });
    assert_eq!(draft.build, Some(("hugo --minify".into(), "site".into())));
}

#[test]
fn a_build_that_nobody_knows_fails_until_it_is_put_into_the_workflow() {
    let repository = repository(&[("main.go", ""), (".gitignore", "public")]);
    let draft = written(&repository, &chosen("public"));
    assert_eq!(draft.build, None);
    for host in [WorkflowHost::GitHub, WorkflowHost::GitLab] {
        let text = draft.workflow(&repository, host, "main", "org/action", "1.2.3").text;
        assert!(text.contains("echo 'REPLACE this line with the commands that build the site' && exit 1\n"), "{text}");
    }
}

#[test]
fn no_generator_of_the_table_is_without_a_layout() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts");
    let layouts =
        std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let layouts: Vec<Repository> = layouts
        .map(|text| {
            let head = text.split("\n=== ").next().unwrap_or_default().to_owned();
            let files: Vec<(String, String)> = head
                .split("\n--- ")
                .skip(1)
                .map(|part| {
                    part.split_once('\n').map_or((part.to_owned(), String::new()), |(a, b)| (a.into(), b.into()))
                })
                .collect();
            repository(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
        })
        .collect();
    for generator in GENERATORS {
        let is_built = |repository: &Repository| {
            repository.candidates.iter().any(
                |candidate| matches!(&candidate.kind, Kind::Built(build) if build.generator.name == generator.name),
            )
        };
        let is_finished = |repository: &Repository| {
            let made = |kind: &Kind| matches!(kind, Kind::Finished(Some((other, _))) if other.name == generator.name);
            repository.candidates.iter().any(|candidate| made(&candidate.kind))
        };
        assert!(layouts.iter().any(|layout| is_built(layout) || is_finished(layout)), "{}", generator.name);
    }
}

#[test]
fn a_workflow_has_the_deployment_between_the_build_and_the_refresh_and_fails_until_it_is_there() {
    let files = [("hugo.toml", ""), (".gitignore", "public")];
    let repository = repository(&files);
    let draft = written(&repository, &Choices { site_dir: None, ..chosen("") });
    let order = |text: &str, parts: &[&str]| {
        let mut at = 0;
        for part in parts {
            at += text[at..].find(part).unwrap_or_else(|| panic!("no `{part}` after {at} in\n{text}"));
        }
    };
    let github = draft.workflow(&repository, WorkflowHost::GitHub, "main", "org/action", "1.2.3");
    assert_eq!(github.after, None);
    order(
        &github.text,
        &[
            "branches: [main]",
            "concurrency: deploy",
            workflow::CHECKOUT,
            "# ADD a step that installs `hugo`",
            "run: hugo --minify",
            workflow::CACHE[0],
            "name: Deploy",
            "exit 1",
            "uses: org/action@v1",
            "allow-hosts: www.shop.test",
            "# without-manifest: all",
            draft.variables()[0],
            workflow::CACHE[1],
        ],
    );
    let gitlab = draft.workflow(&repository, WorkflowHost::GitLab, "main", "org/action", "1.2.3");
    order(
        &gitlab.text,
        &[
            "stages: [build, deploy, refresh]",
            "hugo --minify",
            "deploy:",
            "exit 1",
            "refresh-cdn:",
            "stage: refresh",
            "cache:",
            "- cdn-purge",
        ],
    );
}

#[test]
fn a_site_is_built_by_the_package_manager_whose_lock_file_is_there() {
    let build_of = |files: &[(&str, &str)]| {
        let repository = repository(files);
        written(&repository, &Choices { site_dir: None, ..chosen("") }).build.unwrap().0
    };
    let vite = |lock: &'static str| [("vite.config.js", ""), ("index.html", ""), (".gitignore", "dist"), (lock, "")];
    assert_eq!(build_of(&vite("package-lock.json")), "npm ci && npm run build");
    assert_eq!(build_of(&vite("README.md")), "npm install && npm run build");
    assert_eq!(build_of(&vite("yarn.lock")), "corepack enable && yarn install && yarn run build");
    let pnpm = "corepack enable && pnpm install --frozen-lockfile && pnpm";
    assert_eq!(build_of(&vite("pnpm-lock.yaml")), format!("{pnpm} run build"));
    let vitepress = [("docs/.vitepress/config.ts", ""), (".gitignore", "dist"), ("pnpm-lock.yaml", "")];
    assert_eq!(build_of(&vitepress), format!("{pnpm} exec vitepress build"));
    let mkdocs = [("mkdocs.yml", ""), (".gitignore", "site"), ("requirements.txt", "mkdocs-material")];
    assert_eq!(build_of(&mkdocs), "pip install -r requirements.txt && mkdocs build");
    assert_eq!(build_of(&mkdocs[..2]), "pip install mkdocs && mkdocs build");
    // The commands run in the site's folder, where only these of the root's files are found.
    let below = [("docs/mkdocs.yml", ""), (".gitignore", "site"), ("requirements.txt", "mkdocs-material")];
    assert_eq!(build_of(&below), "pip install mkdocs && mkdocs build");
    let package = |name: &'static str, lock: &'static str| {
        build_of(&[("web/vite.config.js", ""), ("web/index.html", ""), (".gitignore", "dist"), (name, ""), (lock, "")])
    };
    assert_eq!(package("web/package.json", "package-lock.json"), "npm install && npm run build");
    assert_eq!(package("web/package.json", "web/npm-shrinkwrap.json"), "npm ci && npm run build");
    assert_eq!(package("package.json", "package-lock.json"), "npm ci && npm run build");
    assert_eq!(package("web/package.json", "pnpm-lock.yaml"), format!("{pnpm} run build"));
}

#[test]
fn a_part_of_a_pipeline_says_where_the_build_comes_from() {
    let files = [("mkdocs.yml", ""), (".gitignore", "site"), (".gitlab-ci.yml", "pages:\n  script: mkdocs build\n")];
    let repository = repository(&files);
    let draft = written(&repository, &Choices { site_dir: None, ..chosen("") });
    let gitlab = draft.workflow(&repository, WorkflowHost::GitLab, "main", "org/action", "1.2.3");
    assert!(gitlab.text.contains("must keep `site` for this one, under `artifacts: paths`"), "{}", gitlab.text);
}

#[test]
fn an_existing_deployment_is_found_and_gets_its_steps_instead_of_a_second_workflow() {
    let deploy = "on: push\njobs:\n  a:\n    steps:\n      # rsync later\n      - run: npm run build\n      - run: rclone sync out remote:\n";
    let repository = repository(&[
        (".github/workflows/deploy.yml", deploy),
        ("index.html", ""),
        (".gitlab-ci.yml", "a:\n  script: b\n"),
    ]);
    let draft = written(&repository, &Choices { site_dir: None, ..chosen("") });
    let github = draft.workflow(&repository, WorkflowHost::GitHub, "main", "org/action", "1.2.3");
    assert_eq!(github.after, Some((".github/workflows/deploy.yml".into(), 7)));
    assert!(!github.text.contains("name: Deploy") && github.text.contains("uses: org/action@v1"), "{}", github.text);
    let gitlab = draft.workflow(&repository, WorkflowHost::GitLab, "main", "org/action", "1.2.3");
    assert_eq!(gitlab.after, Some((".gitlab-ci.yml".into(), 0)));
    assert!(gitlab.text.starts_with("refresh-cdn:\n  stage: .post"), "{}", gitlab.text);
}

#[test]
fn the_actions_of_a_workflow_are_those_of_the_documentation() {
    let text = include_str!("../../docs/built-sites.md");
    for action in [workflow::CHECKOUT, workflow::CACHE[0], workflow::CACHE[1]] {
        assert!(text.contains(action), "{action}");
    }
}

proptest! {
    /// Whatever files a repository holds and whatever they say, what is written can be used.
    #[test]
    fn every_draft_passes_check(
        names in prop::collection::vec(prop_oneof![
            "[a-z .{}'\"\\\\*!?#-]{1,8}/(hugo.toml|mkdocs.yml|astro.config.mjs|conf.py|static/x|public/index.html|CNAME)",
            "(hugo.toml|config.toml|_config.yml|package.json|CNAME|main.tf|index.html|docs/index.html|static/x)",
        ], 0..6),
        text in "(baseURL|url|site|domain_name|publishDir|outDir) ?[:=] ?['\"]?(https://)?[a-zA-Z0-9.{}\"'/é-]{0,20}['\"]?( cdn)?\n",
        is_known in any::<bool>(),
    ) {
        let files: BTreeMap<&str, &str> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        let repository = repository(&files);
        let mut choices = chosen("public");
        if is_known {
            choices.site_dir = None;
            choices.urls.clear();
        }
        if let Ok(decision) = repository.decide(&choices, PROVIDERS) {
            read(&draft(&repository, &decision, &choices));
        }
    }
}
