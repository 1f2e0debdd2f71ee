#!/bin/sh
# Make the solid label set: `sh data/solid_set/make.sh FOLDER [WORKERS]`; FOLDER gets train.h5 and test.h5.
# Takes hours. Every step goes on where it stopped, so start it again after any interruption. The shards are
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
