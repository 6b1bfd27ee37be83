/**
 * One moment in ten of long recordings, each in several ways, until so many images were looked at: 14 ms an image.
 *
 * node packages/troupe/test/storage/power-loss/main.ts [IMAGES]
 */

import { trial } from './power-loss-trial.ts'
import { record } from './record-file-events.ts'

const wanted = Number(process.argv[2] ?? 10_000)
let images = 0
let problems = 0
for (let round = 0; images < wanted; round++) {
  const writers = [1, 4, 16][round % 3] as number
  const events = record({ changes: 400, writers })
  const result = await trial(events, { seed: `round ${round}`, part: 0.1, withStorage: true })
  images += result.images
  problems += result.problems.length
  console.log(
    `${writers} writers: ${events.length} events, ${result.images} images, ${result.problems.length} problems`,
  )
  for (const problem of result.problems.slice(0, 10)) console.log(`  ${problem}`)
}
console.log(`${images} images, ${problems} with a loss or damage`)
if (problems > 0) process.exitCode = 1
