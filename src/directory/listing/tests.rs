//! Listings as the tools print them, and everything that isn't one.

use super::*;

const RCLONE: &str = r#"[
{"Path":"css","Name":"css","Size":-1,"MimeType":"inode/directory","ModTime":"2026-11-30T10:00:00Z","IsDir":true},
{"Path":"css/a.css","Name":"a.css","Size":3,"MimeType":"text/css","ModTime":"2026-11-30T10:00:00Z","IsDir":false,"Hashes":{"md5":"acbd18db4cc2f85cedef654fccc4a4d8"}},
{"Path":"index.html","Name":"index.html","Size":9,"MimeType":"text/html","ModTime":"2026-11-30T10:00:00Z","IsDir":false}
]
"#;

const AWS: &str = r#"{
    "Contents": [
        {
            "Key": "blog/",
            "LastModified": "2026-11-30T10:00:00+00:00",
            "ETag": "\"d41d8cd98f00b204e9800998ecf8427e\"",
            "Size": 0,
            "StorageClass": "STANDARD"
        },
        {
            "Key": "blog/a b.html",
            "LastModified": "2026-11-30T10:00:00+00:00",
            "ETag": "\"acbd18db4cc2f85cedef654fccc4a4d8\"",
            "ChecksumAlgorithm": ["CRC64NVME"],
            "ChecksumType": "FULL_OBJECT",
            "Size": 3,
            "StorageClass": "STANDARD"
        },
        {
            "Key": "blog/video.mp4",
            "LastModified": "2026-11-30T10:00:00+00:00",
            "ETag": "\"e2fc714c4727ee9395f324cd2e7f331f-2\"",
            "Size": 9437184,
            "StorageClass": "STANDARD"
        }
    ],
    "RequestCharged": null,
    "Prefix": "blog/"
}
"#;

const OSSUTIL: &str = "\
LastModifiedTime                   Size(B)  StorageClass   ETAG                                  ObjectName
2026-11-30 18:00:00 +0800 CST            0      Standard   D41D8CD98F00B204E9800998ECF8427E      oss://bucket1/blog/
2026-11-30 18:00:00 +0800 CST            3      Standard   ACBD18DB4CC2F85CEDEF654FCCC4A4D8      oss://bucket1/blog/a  b.html
2026-11-30 10:00:00 +0000 UTC      9437184            IA   E2FC714C4727EE9395F324CD2E7F331F-2    oss://bucket1/blog/中文.mp4
Object Number is: 3

0.066567(s) elapsed
";

const OBSUTIL: &str = r#"
Start at 2026-11-30 10:00:00.0592788 +0000 UTC

Listing objects .

Folder list:
obs://bucket-test/blog/

Object list:
key                                               LastModified                  Size      StorageClass        ETag                
obs://bucket-test/blog/a b.html                   2026-11-30T10:00:00Z          3B        standard            "acbd18db4cc2f85cedef654fccc4a4d8"

obs://bucket-test/blog/a/name/that/is/longer/than/its/column.html
                                                  2026-11-30T10:00:00Z          33243B    standard            "796393c1eaf502ef56a85c2ceb640aea"

obs://bucket-test/blog/中文.mp4
                                                                                1309437184B
                                                  2026-11-30T10:00:00Z                    warm                "e2fc714c4727ee9395f324cd2e7f331f-20"

Total size of prefix [blog/] is: 1309470430B
Folder number is: 1
File number is: 3
"#;

/// Later versions print no class in some regions, and another end.
const OBSUTIL_LATER: &str = r#"Start at 2026-11-30 10:00:00.0592788 +0000 UTC

Object list:
key                                               LastModified                  Size      ETag                
obs://bucket-test/AUTHORS                         2026-11-30T10:00:00Z          33243     "796393c1eaf502ef56a85c2ceb640aea"

obs://bucket-test/VERSION                         2026-11-30T10:00:00Z          7         "43d93b553855b0e1fc67e31c28c07b65"

Total size of bucket: 33250
Folder number: 0
File number: 2
"#;

const FOO: &str = "acbd18db4cc2f85cedef654fccc4a4d8";

/// A listing in a line for each file: path, size, digest.
fn read(text: &str, prefix: &str) -> Result<Vec<String>, String> {
    let files = parse(text.as_bytes(), prefix)?;
    let digest = |file: &ListedFile| file.digest.map_or("-".to_owned(), |digest| digest.to_string());
    Ok(files
        .iter()
        .map(|file| format!("{} {} {}", String::from_utf8_lossy(&file.path), file.size, digest(file)))
        .collect())
}

#[test]
fn every_tools_own_listing_is_read() {
    assert_eq!(read(RCLONE, "").unwrap(), [format!("css/a.css 3 {FOO}"), "index.html 9 -".into()]);
    // What was uploaded in parts has no digest of its content.
    assert_eq!(read(AWS, "").unwrap(), [format!("blog/a b.html 3 {FOO}"), "blog/video.mp4 9437184 -".into()]);
    assert_eq!(read(OSSUTIL, "").unwrap(), [format!("blog/a  b.html 3 {FOO}"), "blog/中文.mp4 9437184 -".into()]);
    assert_eq!(
        read(OBSUTIL, "").unwrap(),
        [
            format!("blog/a b.html 3 {FOO}"),
            "blog/a/name/that/is/longer/than/its/column.html 33243 796393c1eaf502ef56a85c2ceb640aea".into(),
            "blog/中文.mp4 1309437184 -".into(),
        ]
    );
    assert_eq!(
        read(OBSUTIL_LATER, "").unwrap(),
        ["AUTHORS 33243 796393c1eaf502ef56a85c2ceb640aea", "VERSION 7 43d93b553855b0e1fc67e31c28c07b65"]
    );
    for text in [RCLONE, AWS, OSSUTIL, OBSUTIL, OBSUTIL_LATER] {
        assert_eq!(read(text, ""), read(&format!("\u{feff}{}", text.replace('\n', "\r\n")), ""));
    }
}

#[test]
fn an_empty_store_is_listed_as_empty() {
    for text in [
        "[\n]\n",
        "{\n    \"RequestCharged\": null\n}\n",
        "Object Number is: 0\n\n0.066567(s) elapsed\n",
        "Total size of bucket is: 0B\nFolder number is: 0\nFile number is: 0\n",
    ] {
        assert_eq!(read(text, ""), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn a_site_in_a_folder_of_the_store_is_named_without_it() {
    for text in [AWS, OSSUTIL, OBSUTIL] {
        assert!(read(text, "blog/").unwrap().iter().all(|line| !line.contains("blog")), "{text}");
        assert_eq!(read(text, "shop/"), Err("no name in it begins with `shop/`, which is `listing-prefix`".to_owned()));
    }
    assert_eq!(read(RCLONE, "css/").unwrap(), [format!("a.css 3 {FOO}")]);
}

/// Cut off anywhere, a listing is an error or has lost nothing but the words at its end.
#[test]
fn a_listing_that_was_cut_off_is_refused() {
    for text in [RCLONE, AWS, OSSUTIL, OBSUTIL, OBSUTIL_LATER] {
        let whole = read(text, "").unwrap();
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            match read(&text[..end], "") {
                Ok(files) => assert_eq!(files, whole, "{}", &text[..end]),
                Err(why) => assert!(!why.is_empty()),
            }
        }
        let halves = text.trim_end().rsplit_once('\n').unwrap();
        assert!(read(&halves.0[..halves.0.len() / 2], "").is_err(), "{text}");
    }
}

#[test]
fn a_listing_that_is_not_whole_is_refused_with_the_option_that_made_it_so() {
    let aws = |more: &str| AWS.replace("\"RequestCharged\": null", more);
    let no_total = |text: &str| text.replace("Total size of prefix [blog/] is: 1309470430B\n", "");
    for (text, why) in [
        (aws("\"NextToken\": \"eyJDb250aW51YXRpb25Ub2tlbiI6IG51bGx9\""), "leave `--max-items` out"),
        (aws("\"IsTruncated\": true, \"NextContinuationToken\": \"1\""), "leave `--no-paginate` out"),
        (aws("\"CommonPrefixes\": [{\"Prefix\": \"css/\"}]"), "leave `--delimiter` out"),
        (aws("\"EncodingType\": \"url\""), "leave `--encoding-type` out"),
        (OBSUTIL.replace("Total size of", "Next marker is: blog/x\nTotal"), "add `-limit=0`"),
        (OBSUTIL_LATER.replace("Total size of bucket: 33250", "Next marker: VERSION"), "add `-limit=0`"),
        (no_total(OBSUTIL), "leave `-d` out"),
        (OBSUTIL.replace("33243B", "32.46KB"), "the size `32.46KB` is rounded: add `-bf=raw`"),
        (OSSUTIL.replace("is: 3", "is: 4"), "it has 3 objects, and says at its end that there are 4"),
        (OBSUTIL.replace("File number is: 3", "File number is: 2"), "it has 3 objects, and says at its end"),
    ] {
        let message = read(&text, "").unwrap_err();
        assert!(message.contains(why), "{message}\n{text}");
    }
}

#[test]
fn what_is_no_listing_of_files_is_refused_by_name() {
    let unknown = "of no format that is known here, which are those of `rclone lsjson -R --hash`, `aws s3api";
    let second = |from: &str, to: &str| OSSUTIL.replacen(from, to, 1);
    for (text, why) in [
        (String::new(), unknown),
        ("a.html\nb.html\n".to_owned(), unknown),
        // `aws s3 ls`, `ossutil ls -s`, `ossutil ls --all-versions`, `obsutil ls -s`, `coscli ls`.
        ("2026-11-30 10:00:00          3 a.html\n".to_owned(), unknown),
        ("oss://bucket1/a.html\nObject Number is: 1\n".to_owned(), unknown),
        (second("ETAG  ", "ETAG  VERSIONID  "), unknown),
        ("Object list:\nobs://bucket-test/a.html\n".to_owned(), unknown),
        (
            "       KEY       | TYPE |      LAST MODIFIED       |  SIZE\n  a.html | STANDARD | 2026-11-30T10:00:00.000Z | 3 B\n"
                .to_owned(),
            unknown,
        ),
        ("{\"Versions\": []}".to_owned(), unknown),
        ("[{\"IsDir\":".to_owned(), "as the output of `rclone lsjson -R --hash`, it can't be read"),
        ("{\"Contents\": [{\"Key\": \"a\"}]}".to_owned(), "it can't be read: missing field `Size`"),
        (r#"[{"Path":"a","Size":1,"IsDir":false,"Hashes":{"md5":"1234"}}]"#.to_owned(), "a hash that is none"),
        (r#"[{"Path":"a","Size":1,"IsDir":false},{"Path":"a","Size":2,"IsDir":false}]"#.to_owned(), "lists `a` twice"),
        (r#"[{"Path":"/a","Size":1,"IsDir":false}]"#.to_owned(), "lists `/a`, which is no path"),
        (second("oss://bucket1/blog/a", "oss://bucket2/blog/a"), "it lists two buckets, `bucket1` and `bucket2`"),
        (second("           3      Standard", "           x      Standard"), "line 3 isn't about an object: `x` is no size"),
        (second("oss://bucket1/blog/a  b.html", "blog/a  b.html"), "line 3 isn't about an object: `blog/a  b.html` is no object"),
        (
            OSSUTIL.replace("0.066567(s) elapsed", "InitiatedTime                  UploadID                          ObjectName"),
            "line 7 lists something other than objects",
        ),
        (OBSUTIL.replace("\n\nobs://bucket-test/blog/中文", "\n\n  blog/中文"), "line 16 isn't about an object"),
        (OBSUTIL.replace("bucket-test/blog/a b", "other/blog/a b"), "it lists two buckets, `other` and `bucket-test`"),
    ] {
        let message = read(&text, "").unwrap_err();
        assert!(message.contains(why), "{message}\n{text}");
    }
    assert!(parse(b"[\xff]", "").unwrap_err().contains("of no format"));
}
