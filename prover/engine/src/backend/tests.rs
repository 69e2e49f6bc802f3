//! Every operation of every backend beside arkworks.

use ark_bn254::{Fq, Fr};
use ark_ff::{Field, Fp, FpConfig, PrimeField, UniformRand, Zero};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;

use super::lanes::{CAPACITY, KEY_BOUND, PACKED_BOUND};
use super::{Backend, Kernel, Lanes, Line, Machine};

/// Chains of operations at the bounds that the chain reaches, over both fields.
struct Chain<'a> {
    fq: &'a [[Fq; 8]; 4],
    fr: &'a [[Fr; 8]; 4],
}

impl Kernel for Chain<'_> {
    type Output = (Vec<[Fq; 8]>, Vec<[Fr; 8]>);

    #[inline(always)]
    fn run<M: Machine>(self) -> Self::Output {
        (chain::<M::Fq>(self.fq), chain::<M::Fr>(self.fr))
    }
}

#[inline(always)]
fn chain<L: Lanes>(inputs: &[[Fp<L::Params, 4>; 8]; 4]) -> Vec<[Fp<L::Params, 4>; 8]> {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| L::from_elements(&inputs[i]));
    let mut out = vec![a.to_elements()];
    out.push(a.add(b).to_elements());
    out.push(a.sub::<16>(b).to_elements());
    out.push(a.negate_where::<16>(0b1010_0110).to_elements());
    out.push(a.mul(b).to_elements());
    out.push(a.square().to_elements());
    let [e, f] = L::mul_pair([a, b], [c, d]);
    out.push(e.to_elements());
    out.push(f.to_elements());
    out.push(a.reduce().to_elements());
    out.push(a.select(b, 0b0110_1001).to_elements());
    let pair = [a.reduce(), b.reduce()];
    let lines = L::store_pair(pair);
    let [x, y] = L::load_pair(lines.each_ref());
    out.push(x.to_elements());
    out.push(y.to_elements());
    let rows = lines.each_ref().map(|line| line.0.first_chunk::<4>());
    out.push(L::load(rows.map(|row| row.unwrap())).to_elements());
    let mut lines = vec![Line::default(); L::LINES];
    a.write(&mut lines);
    out.push(L::read(&lines).to_elements());
    for lane in 0..8 {
        out.push(L::broadcast(&lines, lane).to_elements());
    }
    for lanes in L::transpose([a, b, c, d, e, f, x, y]) {
        out.push(lanes.to_elements());
    }
    let mut sum = a;
    for _ in 0..3 {
        sum = sum.add(b);
    }
    out.push(sum.reduce().mul(sum).to_elements());
    out.push(L::splat(&inputs[0][0]).mul(a).to_elements());
    let integers = a.to_integers();
    for (integer, element) in integers.into_iter().zip(a.to_elements()) {
        assert_eq!(integer, L::Params::into_bigint(element).0);
    }
    const { assert!(KEY_BOUND * 4 <= CAPACITY && PACKED_BOUND <= KEY_BOUND) };
    let zero = a.sub::<16>(a);
    assert_eq!(zero.zero_lanes(), 0xff);
    assert_eq!(L::zero().zero_lanes(), 0xff);
    out
}

fn inputs<P: FpConfig<4>>(rng: &mut StdRng) -> [[Fp<P, 4>; 8]; 4] {
    let edges = [Fp::zero(), Fp::ONE, -Fp::<P, 4>::ONE];
    [0, 1, 2, 3].map(|_| {
        std::array::from_fn(|_| match u8::rand(rng) % 8 {
            i @ 0..3 => edges[usize::from(i)],
            _ => Fp::rand(rng),
        })
    })
}

#[test]
fn backends_agree() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..200 {
        let (fq, fr) = (inputs(&mut rng), inputs(&mut rng));
        let kernel = || Chain { fq: &fq, fr: &fr };
        let expected = Backend::Portable.run(kernel());
        for backend in Backend::available() {
            assert_eq!(backend.run(kernel()), expected, "{backend}");
        }
        assert_eq!(expected.0[4][0], fq[0][0] * fq[1][0]);
        assert_eq!(
            expected.1[4][7].into_bigint(),
            (fr[0][7] * fr[1][7]).into_bigint()
        );
    }
}
