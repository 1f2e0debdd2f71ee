#!/bin/sh
# Make the solid label set: `sh data/solid_set/make.sh FOLDER [WORKERS]`; FOLDER gets train.h5, test.h5,
# finer_train.h5, fine_test.h5, the train and test parts of weak, very_unequal and broad, varied_train.h5, and named_cells.h5.
# Takes hours. Every step resumes where it stopped, so start it again after any interruption. The shards are
# independent: several machines may each make some (lattice-gnn label ... --shard K/N) before the merge.
set -eu
here=$(dirname "$0")
folder=$1
workers=${2:-2}
shards=12
test_shards=4
mkdir -p "$folder"

for radii in equal unequal; do
    lattice-gnn generate --config "$here/$radii.yaml" --workers "$workers" -o "$folder/$radii.h5"
done
# No net of the test part is in the training part. The test part is computed on finer grids.
lattice-gnn data merge "$folder/equal.h5" "$folder/unequal.h5" -o "$folder/beam.h5"
lattice-gnn data split "$folder/beam.h5" --shares train=0.92,test=0.08 --by net

# Most grids are small; the few large ones come last, when all others are done.
for k in $(seq $shards); do
    lattice-gnn label "$folder/beam.train.h5" --shard "$k/$shards" --voxels-per-diameter 8 \
        --memory-limit 0.4 --workers "$workers" -o "$folder/train-$k.h5"
done
for k in $(seq $test_shards); do
    lattice-gnn label "$folder/beam.test.h5" --shard "$k/$test_shards" --voxels-per-diameter 12 \
        --memory-limit 1.35 --workers "$workers" -o "$folder/test-$k.h5"
done
lattice-gnn data merge "$folder"/train-*.h5 -o "$folder/train.part.h5"
lattice-gnn data merge "$folder"/test-*.h5 -o "$folder/test.part.h5"
lattice-gnn label "$folder/train.part.h5" --voxels-per-diameter 8 --memory-limit 4 \
    --workers "$workers" -o "$folder/train.h5"
lattice-gnn label "$folder/test.part.h5" --voxels-per-diameter 12 --memory-limit 4 \
    --workers "$workers" -o "$folder/test.h5"

# A sixteenth of the training part again on 20 voxels per diameter, where the grids are small: what labels on 8
# voxels are wrong by on average.
lattice-gnn label "$folder/train.h5" --again --shard 1/16 --voxels-per-diameter 20 --memory-limit 2 \
    --workers "$workers" -o "$folder/finer_train.part.h5"
lattice-gnn data merge "$folder/finer_train.part.h5" --labelled solid --compress -o "$folder/finer_train.h5"

# The test part again on grids of 20 voxels per diameter.
lattice-gnn label "$folder/beam.test.h5" --voxels-per-diameter 20 --memory-limit 9 \
    --workers "$workers" -o "$folder/fine_test.h5"

# What is rare in the set: sharp and crowded joints, unequal radii and moduli, thick and thin struts, contact,
# other Poisson ratios. Nets of the training part above stay in the training part; those of its test part are in
# the test part, because the split goes by a hash of the net and 0.7 < 0.92. Grids over the memory limits
# stay without label.
for kind in sharp crowded ratios dense slender moduli very_unequal; do
    lattice-gnn generate --config "$here/weak/$kind.yaml" --workers "$workers" -o "$folder/$kind.h5"
done
lattice-gnn data merge "$folder/sharp.h5" "$folder/crowded.h5" "$folder/ratios.h5" "$folder/dense.h5" \
    "$folder/slender.h5" "$folder/moduli.h5" -o "$folder/weak.h5"
for set in weak very_unequal; do
    lattice-gnn data split "$folder/$set.h5" --shares train=0.7,test=0.3 --by net --known "$folder/train.h5"
done
label() {  # part, set, voxels per diameter, GB
    lattice-gnn label "$folder/$2.$1.h5" --voxels-per-diameter "$3" --memory-limit "$4" \
        --workers "$workers" -o "$folder/$2_$1.part.h5"
    lattice-gnn data merge "$folder/$2_$1.part.h5" --labelled solid --compress -o "$folder/$2_$1.h5"
}
label train weak 16 1.5
label test weak 20 4
# Resolution is that of the thinnest strut, the others have up to five times as much.
label train very_unequal 8 1.5
label test very_unequal 12 4

# Coarse labels of more lattices with other Poisson's ratios, unequal moduli and contact.
for kind in poisson close moduli; do
    lattice-gnn generate --config "$here/broad/$kind.yaml" --workers "$workers" -o "$folder/broad-$kind.h5"
done
lattice-gnn data merge "$folder"/broad-*.h5 -o "$folder/broad.h5"
lattice-gnn data split "$folder/broad.h5" --shares train=0.7,test=0.3 --by net --known "$folder/train.h5"
label train broad 8 2
label test broad 12 5

# Many coarse labels of what is still rare, for training alone.
for kind in ratios moderate close sharp; do
    lattice-gnn generate --config "$here/varied/$kind.yaml" --workers "$workers" -o "$folder/varied-$kind.h5"
done
lattice-gnn data merge "$folder/varied-ratios.h5" "$folder/varied-moderate.h5" "$folder/varied-close.h5" \
    "$folder/varied-sharp.h5" -o "$folder/varied.h5"
lattice-gnn data split "$folder/varied.h5" --shares train=0.7,test=0.3 --by net --known "$folder/train.h5"
label train varied 8 1.5

# The named cells on finer grids.
sed 's/^count: .*/count: 21/' "$here/equal.yaml" > "$folder/named.yaml"
lattice-gnn generate --config "$folder/named.yaml" --workers "$workers" -o "$folder/named.h5"
lattice-gnn label "$folder/named.h5" --voxels-per-diameter 12 --memory-limit 5 --workers "$workers" \
    -o "$folder/named_cells.h5"
