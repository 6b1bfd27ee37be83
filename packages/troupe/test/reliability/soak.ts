/**
 * Messages through workers that fail, dawdle and are restarted, in processes that are killed: counts what was lost or
 * doubled, and whether memory stays flat.
 *
 * node packages/troupe/test/reliability/soak.ts [--messages N] [--workers N] [--kills N]
 */
import { parseArgs } from 'node:util'
import { type Progress, soak } from '../soak/soak.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    workers: { type: 'string', default: '200' },
    kills: { type: 'string', default: '4' },
  },
})
const messages = Number(values.messages)
const megabytes = (bytes: number) => `${Math.round(bytes / 1024 / 1024)} MB`

function report({ incarnation, count, failed, heap, rss, ms }: Progress): void {
  const rate = `life ${incarnation}, ${Math.round(ms / 1_000)} s`
  console.log(`${count} of ${messages} (${rate}): ${failed} failures, heap ${megabytes(heap)}, rss ${megabytes(rss)}`)
}

const began = performance.now()
const { problems, progress, databaseBytes } = await soak({
  messages,
  workers: Number(values.workers),
  producers: 4,
  everyMs: 5_000,
  kills: Number(values.kills),
  report,
})
// Of the last life, which has half of the messages: from when it is warm to its end.
const last = progress.filter(({ incarnation }) => incarnation === progress.at(-1)?.incarnation)
const [warm, end] = [last[Math.floor(last.length / 4)], last.at(-1)]
const [before, after] = [warm?.heap ?? 0, end?.heap ?? 0]
const grown = after > before * 1.25 + 32 * 1024 * 1024
const wrong = [...problems, ...(grown ? ['memory is not flat'] : [])]
for (const problem of wrong.slice(0, 20)) console.log(problem)
const seconds = Math.round((performance.now() - began) / 1_000)
console.log(
  `${messages} messages, ${values.workers} workers, ${values.kills} kills: ${wrong.length} problems, heap ${megabytes(before)} ` +
    `then ${megabytes(after)}, file ${megabytes(databaseBytes)}, ${seconds} s`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
