//! Random operations of all kinds by few accounts, cut into batches at random: nothing that was accepted is ever rejected, and the state
//! is that of the operations one after another in the order of acceptance.

mod world;

use world::World;

/// Seeds, each with shapes of its own ([`world::SHAPES`]).
const SEEDS: u64 = 12;

#[test]
fn the_order_of_sections_rejects_nothing_and_changes_nothing() {
    let mut total = world::Seen::default();
    for seed in 1..=SEEDS {
        let mut world = World::new(seed);
        for _ in 0..120 {
            world.step();
        }
        world.settle();
        total.add(&world.seen);
    }
    println!("{total:?}");
    // Everything has happened, and often.
    assert!(total.accepted.iter().all(|count| *count >= 10), "{total:?}");
    assert!(total.refused >= 100 && total.batches >= 100, "{total:?}");
    assert!(total.done >= 20 && total.not_done >= 20, "{total:?}");
    assert!(total.wholes >= 10 && total.rollbacks >= 10, "{total:?}");
    assert!(total.cut_by_order >= 20, "{total:?}");
}
