//! Arguments of `bench` and of what it measures.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{DEFAULT_KEYS, threads};

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// What to measure instead of real batches.
    #[command(subcommand)]
    pub what: Option<BenchCommand>,
    /// How to measure real batches.
    #[command(flatten)]
    pub batches: BatchBenchArgs,
}

/// What can be measured beside real batches.
#[derive(Clone, Debug, Subcommand)]
pub enum BenchCommand {
    /// Prove synthetic circuits of any size, alone or beside ark-groth16.
    #[command(long_about = PROVE)]
    Prove(ProveBenchArgs),
    /// Make development keys of synthetic circuits, alone or beside ark-groth16.
    #[command(long_about = SETUP)]
    Setup(SetupBenchArgs),
    /// Execute signed batches of every kind on a state of many accounts, without proofs.
    #[command(long_about = EXECUTE)]
    Execute(ExecuteBenchArgs),
    /// Multi-scalar multiplications in G1 and G2 beside other libraries.
    #[command(long_about = MSM)]
    Msm(KernelBenchArgs),
    /// Transforms of the scalar field beside other libraries.
    #[command(long_about = NTT)]
    Ntt(KernelBenchArgs),
}

/// The counts are those of `quittance_engine::synthetic::Texture`; a test compares them.
const PROVE: &str = "\
Prove synthetic circuits of any size, alone or beside ark-groth16.

The circuit of size K has 2^K - 8 rows, about as many wires, and three public inputs, as every Quittance circuit.
A state of 7 values runs through rounds like Poseidon's: fifth powers of short weighted sums, plus a weighted sum of the
state; every 8 rounds one value is split into 9 bits. It is close to the transfer circuit:

                                   this circuit    transfers (t2f1)
  non-zeros per row of A, B, C     2.1 3.2 3.5     2.2 3.3 3.6
  coefficients that are 1 or -1    34 %            29 %
  values that are 0                3 %             4 %
  values that are 0 or 1           5 %             5 %
  values from 2 to 2^128           0 %             0 %
  wires absent from A              0 %             6 %
  wires absent from B              32 %            33 %

Other values have the full width of the field. --json repeats the shares of this circuit as counted.

With --rival, both prove with the same matrices, assignment, key, r and s, in this process, in turn, N times each:
the engine, the rival, the engine, and so on. Times are medians, CPU times those of the whole process. Ratios are
rival / engine: above 1 the engine is faster. Both proofs are verified, and have to be equal. The engine's time
includes its check of every row and its verification of its proof; the rival's does not. ark-groth16 0.6 runs with
its feature `parallel`, under our reduction (six transforms), from matrices: it synthesises nothing.

Threads: each side has a pool of --threads. ark-groth16's multiplications start pools of two threads of their own,
threads / 2 of them at a time, while its other threads wait: a remainder of a few points aside, never more than
--threads compute. With an odd number above 1, one of them is idle: compare wall times with even numbers, or 1.

Peak memory is the engine's alone, its key included, in a process of its own that opens the key from a file.";

const SETUP: &str = "\
Make development keys of synthetic circuits, alone or beside ark-groth16.

The circuits are those of `quittance bench prove`. With --rival, both make a key from the same matrices and the same
trapdoor, in this process, in turn, N times each; the keys have to be equal, and are dropped. Times are medians, CPU
times those of the whole process. Ratios are rival / engine: above 1 the engine is faster. The engine's time includes
its check of every point. ark-groth16 0.6 runs with its feature `parallel`, under our reduction. Its generator takes
no matrices: it synthesises a circuit that replays them, within its time; that part is measured again by itself and
shown beside it.

Threads: each side has a pool of --threads.";

const EXECUTE: &str = "\
Execute signed batches of every kind on a state of many accounts, without proofs.

The clock covers what the state transition takes: every rule and every signature, the root after each operation, and
taking over each batch's changes. Operations are made and signed before it starts; senders and recipients are
scattered over the tree of 16 levels. A batch is a chain: it runs on one thread, and --threads is what the state is built
with. The state is in memory; what a store adds is measured by the example large_tree.

`all kinds` is 10 % priority operations, 10 % openings, 60 % transfers, 10 % withdrawals and 10 % rotations.";

const MSM: &str = "\
Multi-scalar multiplications in G1 and G2 beside other libraries.

Each library multiplies the same 2^K points with the same full-width scalars, on --threads threads, in turn, N times
each; results have to be equal. Times are medians; ratios are library / engine. Points are P, 2P, 4P and so on: as good
as random to additions. Every library has the points in its own form before the clock starts; the engine keeps its
room from run to run, as from proof to proof.

halo2curves runs with its assembler, which needs a processor with BMI2 and ADX; elsewhere its column is empty.";

const NTT: &str = "\
Transforms of the scalar field beside other libraries.

Each library transforms the same 2^K values in place, natural order on both sides, on --threads threads, in turn, N
times each; results have to be equal. `ntt` is the forward transform, from coefficients to values, `intt` the inverse. Times
are medians; ratios are library / engine. The engine keeps its tables and room from run to run, as from proof to proof.
halo2curves has no inverse of its own: its column is its transform by the inverse root, then a product for each value.

halo2curves runs with its assembler, which needs a processor with BMI2 and ADX; elsewhere its column is empty.";

/// Arguments of `bench` for real batches.
#[derive(Clone, Debug, Args)]
pub struct BatchBenchArgs {
    /// Shape to measure; may be repeated. Without it, every shipped shape whose key is in the directory, or t2f1.
    #[arg(long = "shape", value_name = "NAME")]
    pub shapes: Vec<String>,
    /// Proofs for each shape; the median is reported. At least 3 with --rival.
    #[arg(long, value_name = "N", default_value = "3")]
    pub runs: NonZeroUsize,
    /// Directory for keys; development keys are made where there are none, and kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
    pub keys: PathBuf,
    /// Threads; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Instructions to use; the best that this processor has if absent.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<BackendArg>,
    /// Also prove with this library, from the same assignment; `quittance bench prove --help` says how.
    #[arg(long, value_name = "LIBRARY")]
    pub rival: Option<RivalArg>,
}

/// Arguments of `bench execute`.
#[derive(Clone, Debug, Args)]
pub struct ExecuteBenchArgs {
    /// Accounts in the state.
    #[arg(long, value_name = "N", default_value = "1000000",
          value_parser = clap::value_parser!(u32).range(1_000..=100_000_000))]
    pub accounts: u32,
    /// Operations of each measurement.
    #[arg(long, value_name = "N", default_value = "2000",
          value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub operations: u32,
    /// Operations of a batch.
    #[arg(long, value_name = "N", default_value = "100",
          value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub batch: u32,
    /// Threads.
    #[arg(long, value_name = "1-256", value_parser = threads, default_value = "2")]
    pub threads: NonZeroUsize,
}

/// Arguments of `bench prove`.
#[derive(Clone, Debug, Args)]
pub struct ProveBenchArgs {
    /// Sizes, as binary logarithms of the number of rows, 5 to 24.
    #[arg(long, value_name = "K,...", value_delimiter = ',', default_value = "16,18,20",
          value_parser = clap::value_parser!(u32).range(5..=24))]
    pub log2: Vec<u32>,
    /// Proofs of each size and side, 3 or more; the median is reported.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(3..))]
    pub runs: u32,
    /// Directory for the keys of these circuits, kept for the next time; without it, keys are made in a temporary directory.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Threads of each side; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Instructions to use; the best that this processor has if absent.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<BackendArg>,
    /// Also prove with this library.
    #[arg(long, value_name = "LIBRARY")]
    pub rival: Option<RivalArg>,
    /// Prove with the engine in this process, with a key that is there, and nothing else.
    #[arg(long, hide = true, requires = "keys", conflicts_with = "rival")]
    pub alone: bool,
}

/// Arguments of `bench setup`.
#[derive(Clone, Debug, Args)]
pub struct SetupBenchArgs {
    /// Sizes, as binary logarithms of the number of rows, 5 to 24.
    #[arg(long, value_name = "K,...", value_delimiter = ',', default_value = "16,18,20",
          value_parser = clap::value_parser!(u32).range(5..=24))]
    pub log2: Vec<u32>,
    /// Keys of each size and side; the median is reported.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Threads of each side; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Instructions to use; the best that this processor has if absent.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<BackendArg>,
    /// Also make keys with this library.
    #[arg(long, value_name = "LIBRARY")]
    pub rival: Option<RivalArg>,
}

/// Arguments of `bench msm` and `bench ntt`.
#[derive(Clone, Debug, Args)]
pub struct KernelBenchArgs {
    /// Sizes, as binary logarithms, 0 to 24.
    #[arg(long, value_name = "K,...", value_delimiter = ',', default_value = "12,14,16,18",
          value_parser = clap::value_parser!(u32).range(0..=24))]
    pub log2: Vec<u32>,
    /// Runs of each size and library, 3 or more; the median is reported.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(3..))]
    pub runs: u32,
    /// Threads of each library; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Instructions of the engine; the best that this processor has if absent.
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<BackendArg>,
}

/// Which instructions the engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendArg {
    /// Any processor, with the instructions that all have.
    Baseline,
    /// Any processor, with MULX where it is there.
    Portable,
    /// AVX-512 with 52-bit multiplication.
    Ifma,
}

impl BackendArg {
    /// As `QUITTANCE_BACKEND` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Portable => "portable",
            Self::Ifma => "ifma",
        }
    }
}

/// Who else proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RivalArg {
    /// ark-groth16 of the version that this build depends on.
    ArkGroth16,
}

impl RivalArg {
    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ArkGroth16 => "ark-groth16",
        }
    }
}
