use super::*;
use crate::key::file::Section;
use crate::key::layout::{Counts, Layout};
use crate::testing::{SHAPE, engine, key, random_circuit};
use crate::{Control, ExitCircuit, KeyFileError, ProvingKeyError, setup_development, synthetic};

struct Fixture {
    root: tempfile::TempDir,
    path: PathBuf,
    key: ProvingKey,
    expected: Expected,
}

fn fixture() -> Fixture {
    let (r1cs, _) = random_circuit(1);
    let key = key(&r1cs, 1);
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("keys").join(SHAPE.name());
    KeyDir::create(&path, &key).unwrap();
    let expected = Expected {
        shape: SHAPE,
        matrices: r1cs.digest(),
    };
    Fixture {
        root,
        path,
        key,
        expected,
    }
}

impl Fixture {
    fn open(&self) -> Result<LoadedKey, KeyError> {
        KeyDir::open(&self.path, &self.expected, DevelopmentKeys::Accept)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path.join(name)).unwrap()
    }

    fn replace(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path.join(name), bytes).unwrap();
    }

    /// Changes the manifest, as somebody could who can write to the directory.
    fn edit(&self, change: impl FnOnce(&mut Manifest)) {
        let mut manifest: Manifest = serde_json::from_slice(&self.bytes(MANIFEST_FILE)).unwrap();
        change(&mut manifest);
        self.replace(MANIFEST_FILE, &serde_json::to_vec(&manifest).unwrap());
    }

    /// Replaces a file and makes the manifest agree.
    fn forge(&self, name: &str, bytes: &[u8]) {
        self.replace(name, bytes);
        let file = ManifestFile {
            bytes: bytes.len().try_into().unwrap(),
            blake3: Digest::of(bytes),
        };
        self.edit(|manifest| match name {
            PROVING_KEY_FILE => manifest.proving_key = file,
            _ => manifest.verifying_key = file,
        });
    }
}

#[test]
fn a_key_is_written_opened_and_proves() {
    let (r1cs, assignment) = synthetic::circuit(8, 1).unwrap();
    let key = key(&r1cs, 3);
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep").join("key");
    let dir = KeyDir::create(&path, &key).unwrap();
    let expected = Expected {
        shape: SHAPE,
        matrices: r1cs.digest(),
    };
    let engine = engine(2);
    let loaded = engine
        .install(|| KeyDir::open(dir.path(), &expected, DevelopmentKeys::Accept))
        .unwrap();
    assert_eq!(loaded.verifying_key(), key.verifying_key());
    assert_eq!(loaded.to_arkworks(), key.to_arkworks());
    assert_eq!(loaded.as_bytes(), key.as_bytes());
    assert_eq!(loaded.r1cs(), &r1cs);
    let manifest = loaded.manifest();
    assert_eq!(manifest.constraints, 248);
    assert_eq!(manifest.domain, 256);
    assert_eq!(manifest.key_id, key.verifying_key().key_id());
    assert_eq!(
        fs::read(path.join(VERIFYING_KEY_FILE)).unwrap(),
        key.verifying_key().to_bytes()
    );
    let proof = engine
        .prove(&loaded, &assignment, &Control::default())
        .unwrap()
        .proof;
    assert_eq!(key.verifier().verify_inputs(&assignment[1..4], &proof), Ok(()));
}

/// S30: a key for exits and a key for batches never stand for each other, not even with the same points and matrices.
#[test]
fn an_exit_key_is_written_opened_and_no_batch_key() {
    let (r1cs, assignment) = synthetic::circuit(8, 1).unwrap();
    let exit = ExitCircuit { levels: SHAPE.levels };
    let engine = engine(2);
    let exit_key = engine
        .install(|| setup_development(&r1cs, exit, &|_| ()))
        .unwrap();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join(exit.name());
    KeyDir::create(&path, &exit_key).unwrap();
    let matrices = r1cs.digest();
    let expected = Expected {
        shape: exit,
        matrices,
    };
    let loaded = KeyDir::open(&path, &expected, DevelopmentKeys::Accept).unwrap();
    assert_eq!(loaded.verifying_key(), exit_key.verifying_key());
    assert_eq!(
        (loaded.shape().levels, loaded.manifest().shape.name.as_str()),
        (4, "exitl4")
    );
    let proof = engine
        .prove(&loaded, &assignment, &Control::default())
        .unwrap()
        .proof;
    assert_eq!(loaded.verifier().verify_inputs(&assignment[1..4], &proof), Ok(()));

    let as_batch = Expected {
        shape: SHAPE,
        matrices,
    };
    let open = || KeyDir::open(&path, &as_batch, DevelopmentKeys::Accept).unwrap_err();
    assert!(matches!(open(), KeyError::Shape { .. }));
    // The manifest's word does not count.
    let text = fs::read_to_string(path.join(MANIFEST_FILE)).unwrap();
    let mut manifest: Manifest = serde_json::from_str(&text).unwrap();
    manifest.shape = SHAPE.manifest();
    fs::write(path.join(MANIFEST_FILE), serde_json::to_vec(&manifest).unwrap()).unwrap();
    assert!(matches!(open(), KeyError::VerifyingKey { .. }));
}

#[test]
fn nothing_is_overwritten_and_nothing_is_left_behind() {
    let fixture = fixture();
    let error = KeyDir::create(&fixture.path, &fixture.key).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    fs::write(fixture.root.path().join("file"), "x").unwrap();
    let error = KeyDir::create(fixture.root.path().join("file"), &fixture.key).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error}");
    let names: Vec<_> = fs::read_dir(fixture.path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    // An empty directory, such as one that was mounted, is filled.
    let empty = fixture.root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    KeyDir::create(&empty, &fixture.key).unwrap();
    assert!(KeyDir::open(&empty, &fixture.expected, DevelopmentKeys::Accept).is_ok());
}

#[test]
fn s33_development_keys_are_refused_unless_allowed() {
    let fixture = fixture();
    let error = KeyDir::open(&fixture.path, &fixture.expected, DevelopmentKeys::Refuse).unwrap_err();
    match error {
        KeyError::DevelopmentKey { key_id } => assert_eq!(key_id, fixture.key.verifying_key().key_id()),
        error => panic!("{error}"),
    }
    // The manifest's word does not count.
    fixture.edit(|manifest| manifest.provenance = Provenance::Ceremony);
    let error = KeyDir::open(&fixture.path, &fixture.expected, DevelopmentKeys::Refuse).unwrap_err();
    assert!(matches!(error, KeyError::DevelopmentKey { .. }), "{error}");
    assert!(matches!(
        fixture.open(),
        Err(KeyError::ManifestField {
            field: "provenance",
            ..
        })
    ));
}

#[test]
fn missing_files_are_named_with_the_command_that_makes_them() {
    for name in [MANIFEST_FILE, VERIFYING_KEY_FILE, PROVING_KEY_FILE] {
        let fixture = fixture();
        fs::remove_file(fixture.path.join(name)).unwrap();
        match fixture.open() {
            Err(error @ KeyError::Missing { .. }) => {
                let text = error.to_string();
                assert!(
                    text.contains(name) && text.contains("quittance setup --shape t2f1l4"),
                    "{text}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn every_damaged_file_has_its_error() {
    let damage = |name: &str, position: usize| {
        let fixture = fixture();
        let mut bytes = fixture.bytes(name);
        let position = position % bytes.len();
        bytes[position] ^= 0x10;
        fixture.replace(name, &bytes);
        fixture.open().unwrap_err()
    };
    // Positions spread over the whole file, header and padding included.
    for position in (0..40).map(|index| index * 7919) {
        assert!(matches!(
            damage(PROVING_KEY_FILE, position),
            KeyError::ProvingKeyDigest { .. }
        ));
    }
    for position in [0, 40, 500, 991] {
        assert!(matches!(
            damage(VERIFYING_KEY_FILE, position),
            KeyError::VerifyingKeyDigest { .. }
        ));
    }
    for name in [PROVING_KEY_FILE, VERIFYING_KEY_FILE] {
        for change in [-1isize, 1] {
            let fixture = fixture();
            let mut bytes = fixture.bytes(name);
            bytes.resize(bytes.len().strict_add_signed(change), 0);
            fixture.replace(name, &bytes);
            assert!(matches!(fixture.open(), Err(KeyError::FileLength { .. })));
        }
    }
    let fixture = fixture();
    fixture.edit(|manifest| manifest.matrices = Digest([1; 32]));
    assert!(matches!(fixture.open(), Err(KeyError::Circuit { .. })));
    let expected = Expected {
        matrices: Digest([1; 32]),
        ..fixture.expected
    };
    let error = KeyDir::open(&fixture.path, &expected, DevelopmentKeys::Accept).unwrap_err();
    assert!(matches!(error, KeyError::MatricesDigest { .. }), "{error}");
}

#[test]
fn keys_of_other_shapes_and_other_circuits_are_refused() {
    let fixture = fixture();
    let other = Expected {
        shape: Shape {
            transfers: 3,
            ..SHAPE
        },
        ..fixture.expected
    };
    let error = KeyDir::open(&fixture.path, &other, DevelopmentKeys::Accept).unwrap_err();
    match &error {
        KeyError::Shape { got, expected, .. } => {
            assert_eq!((got.as_str(), expected.as_str()), ("t2f1l4", "t3f1l4"))
        }
        error => panic!("{error}"),
    }
    assert!(
        error
            .to_string()
            .ends_with("run `quittance setup --shape t3f1l4`")
    );
    let other = Expected {
        matrices: Digest([7; 32]),
        ..fixture.expected
    };
    let error = KeyDir::open(&fixture.path, &other, DevelopmentKeys::Accept).unwrap_err();
    assert!(matches!(error, KeyError::Circuit { .. }), "{error}");
}

#[test]
fn the_manifest_is_strict() {
    let text = |change: &dyn Fn(&mut serde_json::Value)| {
        let fixture = fixture();
        let mut value: serde_json::Value = serde_json::from_slice(&fixture.bytes(MANIFEST_FILE)).unwrap();
        change(&mut value);
        fixture.replace(MANIFEST_FILE, value.to_string().as_bytes());
        fixture.open().unwrap_err()
    };
    assert!(matches!(
        text(&|value| value["surprise"] = 1.into()),
        KeyError::ManifestSyntax { .. }
    ));
    assert!(matches!(
        text(&|value| value["key_id"] = "0x12".into()),
        KeyError::ManifestSyntax { .. }
    ));
    assert!(matches!(
        text(&|value| value["format"] = 4.into()),
        KeyError::Format {
            got: 4,
            expected: 3,
            ..
        }
    ));
    assert!(matches!(
        text(&|value| value["matrices"] = "AB".into()),
        KeyError::ManifestSyntax { .. }
    ));
    for field in ["constraints", "instance", "witness", "nonzeros", "domain"] {
        match text(&|value| value[field] = 1.into()) {
            KeyError::ManifestField { field: got, .. } => assert_eq!(got, field),
            error => panic!("{error}"),
        }
    }
    let fixture = fixture();
    fixture.replace(MANIFEST_FILE, &vec![b' '; 70_000]);
    assert!(matches!(
        fixture.open(),
        Err(KeyError::ManifestSize { got: 70_000, .. })
    ));
    fixture.replace(MANIFEST_FILE, b"{");
    assert!(matches!(fixture.open(), Err(KeyError::ManifestSyntax { .. })));
}

/// Found by reading for the fuzz target `manifest`: the fields of an object in their order, without their names.
#[test]
fn a_manifest_with_arrays_for_objects_is_refused() {
    for (object, names) in [
        (
            "shape",
            &[
                "name",
                "levels",
                "priority",
                "openings",
                "transfers",
                "withdrawals",
                "rotations",
                "fee_slots",
            ][..],
        ),
        ("proving_key", &["bytes", "blake3"]),
    ] {
        let fixture = fixture();
        let mut value: serde_json::Value = serde_json::from_slice(&fixture.bytes(MANIFEST_FILE)).unwrap();
        let fields: Vec<_> = names.iter().map(|name| value[object][name].clone()).collect();
        value[object] = fields.into();
        fixture.replace(MANIFEST_FILE, value.to_string().as_bytes());
        let error = fixture.open().unwrap_err();
        assert!(
            matches!(error, KeyError::ManifestSyntax { .. }),
            "{object}: {error}"
        );
    }
}

/// Files that agree with a rewritten manifest meet the checks behind the digests.
#[test]
fn s30_a_substituted_verifying_key_is_refused() {
    let fixture = fixture();
    let other = key(fixture.key.r1cs(), 2);
    fixture.forge(VERIFYING_KEY_FILE, &other.verifying_key().to_bytes());
    let error = fixture.open().unwrap_err();
    assert!(matches!(error, KeyError::KeysDiffer { .. }), "{error}");
    fixture.forge(VERIFYING_KEY_FILE, &[0; 992]);
    assert!(matches!(fixture.open(), Err(KeyError::VerifyingKey { .. })));
}

#[test]
fn s36_forged_proving_keys_are_refused() {
    let fixture = fixture();
    let good = fixture.bytes(PROVING_KEY_FILE);
    let start = |section| Layout::new(&Counts::of(fixture.key.r1cs())).range(section).start;
    let forge = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        fixture.forge(PROVING_KEY_FILE, &bytes);
        fixture.open().unwrap_err()
    };
    let order = start(Section::Order);
    let error = forge(&|bytes| bytes[order] ^= 1);
    assert!(
        matches!(
            error,
            KeyError::ProvingKey {
                source: KeyFileError::Order { .. },
                ..
            }
        ),
        "{error}"
    );
    // β in G1, which has a twin.
    let g1 = start(Section::G1);
    let error = forge(&|bytes| bytes.copy_within(g1..g1 + 64, g1 + 64));
    assert!(
        matches!(
            error,
            KeyError::Parts {
                source: ProvingKeyError::Twin { name: "beta" },
                ..
            }
        ),
        "{error}"
    );
    // α, which the verifying key has too.
    let error = forge(&|bytes| bytes.copy_within(g1 + 64..g1 + 128, g1));
    assert!(matches!(error, KeyError::KeysDiffer { .. }), "{error}");
    let error = forge(&|bytes| bytes[g1] ^= 1);
    assert!(
        matches!(
            error,
            KeyError::ProvingKey {
                source: KeyFileError::NotOnCurve { .. },
                ..
            }
        ),
        "{error}"
    );
    for length in [0, 64, 384] {
        fixture.forge(PROVING_KEY_FILE, &good[..length]);
        assert!(matches!(fixture.open(), Err(KeyError::ProvingKey { .. })));
    }
    fixture.forge(PROVING_KEY_FILE, &good);
    assert!(fixture.open().is_ok());
}

/// Points of the lists are looked at when a key is imported. What opening lets pass cannot give a proof.
#[test]
fn s32_s35_s36_an_import_checks_every_point() {
    let fixture = fixture();
    let good = fixture.bytes(PROVING_KEY_FILE);
    let import = || KeyDir::import(&fixture.path, &fixture.expected, DevelopmentKeys::Accept);
    assert!(import().is_ok());
    let layout = Layout::new(&Counts::of(fixture.key.r1cs()));
    for section in [Section::A, Section::B1, Section::B2, Section::L, Section::H] {
        let start = layout.range(section).start;
        let forge = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = good.clone();
            change(&mut bytes);
            fixture.forge(PROVING_KEY_FILE, &bytes);
            assert!(fixture.open().is_ok());
            match import() {
                Err(KeyError::Parts { source, .. }) => source,
                other => panic!("{other:?}"),
            }
        };
        let error = forge(&|bytes| bytes[start] ^= 1);
        assert!(matches!(error, ProvingKeyError::NotOnCurve { .. }), "{error}");
        let error = forge(&|bytes| bytes[start..start + 32].fill(0xff));
        assert!(matches!(error, ProvingKeyError::NotCanonical { .. }), "{error}");
        let size = usize::try_from(section.element_bytes()).unwrap();
        let error = forge(&|bytes| bytes[start..start + size].fill(0));
        assert!(matches!(error, ProvingKeyError::Identity { .. }), "{error}");
    }
}

#[test]
fn keys_of_older_formats_are_refused_with_the_command_that_makes_a_new_one() {
    let fixture = fixture();
    let mut manifest: serde_json::Value = serde_json::from_slice(&fixture.bytes(MANIFEST_FILE)).unwrap();
    manifest["format"] = 2.into();
    let newer = fixture.bytes(MANIFEST_FILE);
    fixture.replace(MANIFEST_FILE, manifest.to_string().as_bytes());
    let error = fixture.open().unwrap_err();
    assert_eq!(
        error.to_string(),
        "key format 2 is not 3: make the key again with `quittance setup --shape t2f1l4`"
    );
    // A file of the first version under a manifest of today.
    fixture.replace(MANIFEST_FILE, &newer);
    let mut bytes = fixture.bytes(PROVING_KEY_FILE);
    bytes[8] = 1;
    fixture.forge(PROVING_KEY_FILE, &bytes);
    let error = fixture.open().unwrap_err();
    assert!(
        matches!(
            error,
            KeyError::ProvingKey {
                source: KeyFileError::Version { got: 1, expected: 2 },
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("make the key again with `quittance setup --shape t2f1l4`")
    );
}

/// Two processes, or two services of one, share the pages; one of them goes on when the files are gone.
#[cfg(unix)]
#[test]
fn a_key_in_use_outlives_its_directory() {
    let (r1cs, assignment) = synthetic::circuit(7, 1).unwrap();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("key");
    KeyDir::create(&path, &key(&r1cs, 3)).unwrap();
    let expected = Expected {
        shape: SHAPE,
        matrices: r1cs.digest(),
    };
    let open = || KeyDir::open(&path, &expected, DevelopmentKeys::Accept).unwrap();
    let (first, second) = (open(), open());
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(first.as_bytes(), second.as_bytes());
    let proof = engine(1)
        .prove(&first, &assignment, &Control::default())
        .unwrap()
        .proof;
    assert_eq!(second.verifier().verify_inputs(&assignment[1..4], &proof), Ok(()));
}

/// Neither opening nor proving writes to a page of the mapping: it would stop being shared.
#[cfg(target_os = "linux")]
#[test]
fn a_mapped_key_has_no_page_of_its_own() {
    let (r1cs, assignment) = synthetic::circuit(10, 1).unwrap();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("key-of-this-test");
    KeyDir::create(&path, &key(&r1cs, 3)).unwrap();
    let expected = Expected {
        shape: SHAPE,
        matrices: r1cs.digest(),
    };
    let key = KeyDir::open(&path, &expected, DevelopmentKeys::Accept).unwrap();
    engine(2).prove(&key, &assignment, &Control::default()).unwrap();
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mapping = smaps
        .split("VmFlags")
        .find(|mapping| mapping.contains("key-of-this-test"));
    let kibibytes = |field: &str| {
        let line = mapping.unwrap().lines().find_map(|line| line.strip_prefix(field));
        let number = line.unwrap().trim().strip_suffix(" kB").unwrap();
        number.parse::<u64>().unwrap()
    };
    assert!(kibibytes("Rss:") >= u64::try_from(key.as_bytes().len()).unwrap() / 1024);
    assert_eq!(kibibytes("Private_Dirty:"), 0);
    assert_eq!(kibibytes("Anonymous:"), 0);
}

/// S38: what never ends is not read.
#[cfg(unix)]
#[test]
fn s38_a_device_is_no_key_file() {
    for name in [MANIFEST_FILE, PROVING_KEY_FILE, VERIFYING_KEY_FILE] {
        let fixture = fixture();
        let path = fixture.path.join(name);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let error = fixture.open().unwrap_err();
        assert!(matches!(&error, KeyError::Io { .. }), "{name}: {error:?}");
    }
}
