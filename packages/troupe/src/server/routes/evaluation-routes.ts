/** Past runs, run again with something different: a long work that is told run by run. */
import { z } from 'zod'
import { failure, type Json, sleep, TroupeError } from '../../core/index.ts'
import { type EvaluateOptions, type EvaluationProgress, readTeamRequest } from '../../runs/index.ts'
import { type Call, streams } from '../route.ts'
import { evaluationEventSchema } from '../schemas/evaluation-schemas.ts'
import { withoutUndefined } from '../schemas/request-schemas.ts'
import type { Frame } from '../streams/frame.ts'
import { teamFields } from './start-run-request.ts'

const filter = z.strictObject({
  status: z.enum(['completed', 'failed', 'cancelled']).optional(),
  agent: z.string().optional(),
  team: z.string().optional(),
  search: z.string().max(1_000).optional(),
  tags: z.array(z.string()).max(100).optional(),
  parent: z.string().optional(),
  from: z.string().max(100).optional(),
  to: z.string().max(100).optional(),
  minCost: z.number().optional(),
  maxCost: z.number().optional(),
  order: z.enum(['newest', 'oldest']).optional(),
})
const body = z.strictObject({
  id: z.string().max(256).optional().describe('Asked again with it, it goes on with the runs that are left.'),
  runs: z
    .union([z.array(z.string()).max(10_000), filter], { error: 'it is a list of ids, or what a list of runs takes' })
    .describe('Ids, or what a list of runs takes.'),
  change: z.strictObject({
    model: z.string().optional(),
    prompts: z.record(z.string(), z.string()).optional(),
    ...teamFields,
  }),
  score: z
    .union(
      [
        z.enum(['exact', 'citations']),
        z.strictObject({ schema: z.record(z.string(), z.unknown()).describe('JSON Schema of a good answer.') }),
        z.strictObject({ named: z.string().describe('One of those the troupe was opened with.') }),
      ],
      { error: "it is 'exact', 'citations', { schema } or { named }" },
    )
    .describe('What an answer is worth.'),
  live: z.boolean().optional(),
  repeat: z.boolean().optional(),
  concurrency: z.int().min(1).max(32).optional(),
  limit: z.int().min(1).max(10_000).optional(),
  budget: z.strictObject({ tokens: z.number().optional(), cost: z.number().optional() }).optional(),
})
type Asked = Call<unknown, unknown, z.infer<typeof body>>

/** After it the stream begins, and what is refused later is its last event. */
const responseWaitMs = 1_000

export const evaluationRoutes = [
  streams({
    method: 'POST',
    path: '/v1/evaluations',
    name: 'runs.evaluate',
    operation: 'runs.fork',
    role: 'moderator',
    summary:
      'Runs past runs again with something different: `progress` for each, then `evaluation`. Hanging up stops it.',
    body,
    data: evaluationEventSchema,
    events: async (call) => {
      const { orchestra, parts, signal } = call
      const progress = new Progress()
      const options = await optionsOf(call)
      const work = orchestra.evaluate({ ...options, signal, onProgress: (one) => progress.add(one) })
      work.then(
        () => progress.end(),
        () => progress.end(),
      )
      // What is wrong with the request shows at once, and is a problem like any other.
      const waited = new AbortController()
      await Promise.race([work, progress.begun, sleep(parts.clock, responseWaitMs, waited.signal)]).finally(() =>
        waited.abort(),
      )
      return framesOf(progress, work)
    },
  }),
]

async function optionsOf(call: Asked): Promise<EvaluateOptions> {
  const { parts, idempotencyId } = call
  const { score, change, id = idempotencyId, ...rest } = call.body
  const { team, agent, topology, ...edited } = change
  const request = withoutUndefined({ team, agent, topology })
  return {
    ...withoutUndefined({ ...rest, id }),
    change: {
      ...withoutUndefined(edited),
      ...(Object.keys(request).length === 0 ? {} : readTeamRequest(parts.settings, request)),
    },
    score: typeof score === 'object' && 'schema' in score ? { schema: await schemaOf(call, score.schema) } : score,
  } as EvaluateOptions
}

async function schemaOf({ parts, user }: Asked, schema: Readonly<Record<string, unknown>>) {
  const source = `user ${user}`
  const json = schema as { readonly [key: string]: Json }
  try {
    await parts.evaluator.check(source, json)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    throw failure('request.invalid', { problem: `body/score/schema: ${error.message}` })
  }
  return parts.evaluator.schemaOf(source, json)
}

/** What was told and not sent yet; bounded by the runs of an evaluation. */
class Progress {
  readonly begun: Promise<void>
  readonly #progress: EvaluationProgress[] = []
  #begin = () => {}
  #wake = () => {}
  #over = false

  constructor() {
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
  }

  add(one: EvaluationProgress): void {
    this.#progress.push(one)
    this.#begin()
    this.#wake()
  }

  end(): void {
    this.#over = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EvaluationProgress> {
    for (;;) {
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      yield* this.#progress.splice(0)
      if (this.#over && this.#progress.length === 0) return
      if (this.#progress.length === 0) await more
    }
  }
}

async function* framesOf(progress: Progress, work: Promise<unknown>): AsyncGenerator<Frame> {
  for await (const one of progress) yield { event: 'progress', data: one }
  yield { event: 'evaluation', data: await work }
}
