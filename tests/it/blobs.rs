//! Blobs in a directory: named by their bytes, stored once, found out when damaged.

use std::fs;
use std::path::{Path, PathBuf};

use boxoffice_core::persist::{BlobRef, BlobStore, Cid, MemoryBlobs, ObjectBlobs, Payload, StoreError};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn equal_bytes_are_one_file_under_the_name_of_their_hash() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::local(folder.path().join("blobs")).unwrap();
    let first = run(blobs.put(b"poster".to_vec(), "image/png")).unwrap();
    let again = run(blobs.put(b"poster".to_vec(), "image/png")).unwrap();
    let other = run(blobs.put(b"ticket".to_vec(), "application/pdf")).unwrap();
    assert_eq!(first, again);
    assert_ne!(first.cid, other.cid);
    let files = files(folder.path());
    assert_eq!(files.len(), 2);
    assert!(files.iter().any(|file| file.ends_with(first.cid.as_str())));
    // Both kinds of store give the same name.
    assert_eq!(run(MemoryBlobs::new().put(b"poster".to_vec(), "image/png")).unwrap(), first);
}

#[test]
fn a_blob_reads_back_whole_in_ranges_and_after_the_store_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let blob = run(ObjectBlobs::local(folder.path()).unwrap().put(bytes.clone(), "application/pdf")).unwrap();
    let memory = MemoryBlobs::new();
    assert_eq!(run(memory.put(bytes.clone(), "application/pdf")).unwrap(), blob);
    let size = blob.size;
    for blobs in [Box::new(ObjectBlobs::local(folder.path()).unwrap()) as Box<dyn BlobStore>, Box::new(memory)] {
        assert_eq!(run(blobs.get(&blob)).unwrap(), bytes);
        let ranges = [0..1, 0..size, 17..4_000, size - 1..size, size - 3..size + 50, size..size + 1, 5..5, 0..0];
        for range in ranges {
            let cut = |at: u64| usize::try_from(at.min(size)).unwrap();
            let wanted = bytes.get(cut(range.start)..cut(range.end)).unwrap_or_default();
            assert_eq!(run(blobs.get_range(&blob, range.clone())).unwrap(), wanted, "{range:?}");
        }
    }
}

#[test]
fn the_empty_blob_is_a_blob() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::local(folder.path()).unwrap();
    let blob = run(blobs.put(Vec::new(), "text/plain")).unwrap();
    assert_eq!((blob.size, run(blobs.get(&blob)).unwrap()), (0, Vec::new()));
}

#[test]
fn damaged_cut_and_missing_blobs_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::local(folder.path()).unwrap();
    let blob = run(blobs.put(b"the bytes of a poster".to_vec(), "image/png")).unwrap();
    let file = files(folder.path()).pop().unwrap();
    let whole = fs::read(&file).unwrap();
    let fails_with = |what: &str| match run(blobs.get(&blob)) {
        Err(StoreError::Blob { cid, reason }) => {
            assert_eq!(cid, blob.cid.as_str());
            assert!(reason.contains(what), "{reason}");
        }
        other => panic!("{other:?}"),
    };
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, flipped).unwrap();
        fails_with("another hash");
    }
    fs::write(&file, &whole[..5]).unwrap();
    fails_with("5 bytes");
    // What was cut short is stored anew.
    assert_eq!(run(blobs.put(whole.clone(), "image/png")).unwrap(), blob);
    assert_eq!(run(blobs.get(&blob)).unwrap(), whole);
    fs::remove_file(&file).unwrap();
    assert!(!run(blobs.has(&blob)).unwrap());
    fails_with("is not stored");
    assert!(run(blobs.get_range(&blob, 0..2)).is_err());
}

#[test]
fn no_reference_leads_out_of_the_store() {
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        "bafkrei/../../../../../../../../../../../../../../../../../../../../../../../../../etc",
        "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4ye\u{0}",
        "BAFKREIBM6JG3UX5QUMHCN2B3FLC3TYU6DMLB4XA7U5BF44YEGNRJHC4YEQ",
    ];
    for name in names {
        assert!(name.parse::<Cid>().is_err(), "{name}");
        let json = serde_json::json!({ "cid": name, "size": 1, "mime": "x" });
        assert!(Payload::new(&json).unwrap().read::<BlobRef>().is_err(), "{name}");
    }
}

/// By hand, with anything that speaks S3: `BOXOFFICE_S3=http://127.0.0.1:5555 cargo test -p boxoffice-core --features
/// blobs-s3 --test it s3 -- --ignored`. The bucket `boxoffice` must be there.
#[cfg(feature = "blobs-s3")]
#[test]
#[ignore = "needs an S3 server"]
#[expect(clippy::disallowed_methods, reason = "the address of the server is the environment's")]
fn blobs_in_s3_are_the_same() {
    let endpoint = std::env::var("BOXOFFICE_S3").unwrap();
    let options = [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "test"),
        ("aws_allow_http", "true"),
    ];
    let blobs = ObjectBlobs::from_url("s3://boxoffice/posters", options).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let blob = blobs.put(b"poster".to_vec(), "image/png").await.unwrap();
        assert_eq!(blobs.put(b"poster".to_vec(), "image/png").await.unwrap(), blob);
        assert_eq!(blobs.get(&blob).await.unwrap(), b"poster");
        assert_eq!(blobs.get_range(&blob, 1..3).await.unwrap(), b"os");
        let other = BlobRef { cid: Cid::of(b"other"), ..blob };
        assert!(!blobs.has(&other).await.unwrap());
        assert!(blobs.get(&other).await.unwrap_err().to_string().contains("is not stored"));
    });
}
