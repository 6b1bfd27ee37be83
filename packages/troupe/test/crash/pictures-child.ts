/**
 * A process with a run whose steps pass a picture on. While `TROUPE_KILLS` names a step, the process kills itself in it.
 *
 * node pictures-child.ts DATABASE LEDGER: each step is a line of the ledger; the hash of the picture is printed.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createTroupe, defineAgent, patterns } from '../../src/index.ts'
import { image } from '../../src/tools.ts'

const [database = '', ledger = ''] = process.argv.slice(2)
const step = (number: number) =>
  defineAgent<{ readonly picture?: object; readonly hops?: number }>({
    name: `Step${number}`,
    async run(input, ctx) {
      const picture = await ctx.effect('paint', { class: 'at-most-once' }, () => {
        appendFileSync(ledger, `${number}\n`)
        return (input.picture ?? image(Buffer.alloc(400_000, 'picture'), { mediaType: 'image/png' })) as never
      })
      await ctx.context.push(`picture-${number}`, { picture } as never)
      await ctx.commit()
      if (process.env.TROUPE_KILLS === `${number}`) process.kill(process.pid, 'SIGKILL')
      return { picture, hops: (input.hops ?? 0) + 1 } as never
    },
  })
const steps = [1, 2, 3, 4, 5].map(step)
const troupe = await createTroupe({ storage: `sqlite:${database}`, agents: steps, log: 'silent' })
const { orchestra, context } = troupe.user('ada')
const topology = patterns.pipeline({ stages: steps.map((agent) => ({ agents: [agent] })) })
const run = await orchestra.start({ id: 'r', task: {}, topology })
const { status, response } = await run.result()
const hash = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')
const entries = await Promise.all(steps.map(async (_, i) => hash(await context.get(`picture-${i + 1}`))))
const { identical } = await orchestra.verifyReplay('r')
await troupe.close()
const db = new DatabaseSync(database)
const blobs = db.prepare('select count(*) as found, sum(bytes) as bytes from storage_blobs').get()
writeSync(1, JSON.stringify({ status, response: hash(response), entries: new Set(entries).size, identical, blobs }))
