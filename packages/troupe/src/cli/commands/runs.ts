/** Runs: looked at, steered, and asked why. */
import { part } from '../api/api.ts'
import { type Command, type Hands, listed, text, whole } from '../command.ts'
import { CliError, exitCodes, misused } from '../exit-codes.ts'
import { oneLine, safe } from '../output/safe.ts'
import { readValue } from './read-json.ts'
import { begunFrom, carryOn, giveAnswer, isOver, leaving } from './run.ts'
import { type Result, type Status, showResult } from './run-result.ts'
import { runsListCommand } from './runs-list.ts'

interface Event {
  readonly seq: number
  readonly type: string
  readonly at: number
}
interface Undone {
  readonly step: string
  readonly effect: string
  readonly status: string
  readonly error?: { readonly message: string }
}
interface Uncertain {
  readonly step: string
  readonly call: string
  readonly effect: string
}

const at = (run: string, rest = '') => `/v1/runs/${part(run)}${rest}`

const command = (verb: 'pause' | 'continue' | 'cancel', says: string): Command => ({
  name: `runs ${verb}`,
  takes: '<run>',
  says,
  options: verb === 'continue' ? [leaving] : [],
  async run(hands, [run = ''], options) {
    // To go on and to clean up, it needs the code of its agents; a server has that.
    const api = await hands.api({ code: true })
    const asked = api.call<Status>({ method: 'POST', path: at(run, `/${verb}`), body: {} })
    const tell = (status: Status) =>
      hands.out.show(status, ({ status: now, reason }) => `${run}: ${now}${reason ? ` (${reason})` : ''}`)
    const isHere = verb === 'continue' && !api.remote && options.detach !== true
    const status = await (isHere ? asked.catch(unlessOver) : asked)
    if (verb === 'continue') return carryOn(hands, run, options, () => status && tell(status))
    if (status) tell(status)
    return undefined
  },
})

/** What is opened here is carried on at once: by the time that it is told to go on it may be over. */
function unlessOver(error: unknown): undefined {
  if (error instanceof CliError && error.code === 'run.over') return undefined
  throw error
}

/** What a route answers, as it is. */
const asked = (name: string, says: string, rest: string, asText: (found: never) => string = indented): Command => ({
  name: `runs ${name}`,
  takes: '<run>',
  says,
  async run({ api, out }, [run = '']) {
    out.show(await (await api()).call<never>({ path: at(run, rest) }), (found) => safe(asText(found)))
    return undefined
  },
})
const indented = (found: unknown) => JSON.stringify(found, undefined, 2)

interface Why {
  readonly sentences: readonly { readonly text: string }[]
}
interface Replayed {
  readonly identical: boolean
  readonly events: number
  readonly difference?: { readonly seq: number; readonly recorded: unknown; readonly decided: unknown }
}
const whyText = ({ sentences }: Why) => sentences.map(({ text: sentence }) => sentence).join('\n')

async function follow(hands: Hands, run: string, from: number, only: string | undefined): Promise<void> {
  // Where nobody serves it, it is carried on here.
  const api = await hands.api({ code: true })
  for await (const { data } of api.events<Event>({ path: at(run, '/events'), query: { from } })) {
    if (only === undefined || data.type.startsWith(only)) tell(hands, data)
    if (isOver(data)) return
  }
}

function tell({ out }: Hands, data: Event): void {
  out.line(data)
  const { seq, type, at: when, ...rest } = data
  const told = Object.fromEntries(Object.entries(rest).filter(([name]) => !ofEach.includes(name)))
  const width = Math.max(20, out.width - 55)
  out.say(`${String(seq).padStart(5)}  ${new Date(when).toISOString()}  ${type.padEnd(20)}  ${oneLine(told, width)}`)
}
const ofEach = ['run', 'user', 'trace', 'path']

export const runsCommands: readonly Command[] = [
  runsListCommand,
  {
    name: 'runs show',
    takes: '<run>',
    says: 'how a run stands: questions, result, cost',
    async run({ api, out }, [run = '']) {
      showResult(out, run, await (await api()).call<Result | Status>({ path: at(run, '/result') }))
      return undefined
    },
  },
  {
    name: 'runs result',
    takes: '<run>',
    says: 'waits until the run ends or waits, and prints its result',
    options: [['--wait <duration>', 'at most so long, such as 30s (default: as long as it takes)']],
    async run({ api, out, signal }, [run = ''], options) {
      const opened = await api({ code: true })
      const wait = text(options, 'wait')
      for (;;) {
        const result = await opened.call<Result | Status>({ path: at(run, '/result'), query: { wait: wait ?? '30s' } })
        if (result.status === 'running' && wait === undefined && !signal.aborted) continue
        showResult(out, run, result)
        if (result.status === 'waiting') return exitCodes.waiting
        return result.status === 'failed' || result.status === 'cancelled' ? exitCodes.failed : exitCodes.ok
      }
    },
  },
  {
    name: 'runs events',
    takes: '<run>',
    says: 'its events, and those to come until it ends',
    options: [
      ['--from <seq>', 'only later ones'],
      ['--type <name>', 'only those whose name begins so'],
    ],
    async run(hands, [run = ''], options) {
      await follow(hands, run, whole(options, 'from', 0), text(options, 'type'))
      return undefined
    },
  },
  command('pause', 'begins no new step'),
  command('continue', 'lets a paused run go on; without a server carries it on here, also one that was cut off'),
  command('cancel', 'ends a run; it cleans up'),
  {
    name: 'runs answer',
    takes: '<run> <question> <value>',
    says: 'answers a question of the run: a text, one of its options, or yes and no for an approval',
    options: [leaving],
    async run(hands, [run = '', question = '', given = ''], options) {
      const api = await hands.api({ code: true })
      const { questions = [] } = await api.call<Partial<Result>>({ path: at(run, '/result') })
      const asks = questions.find(({ id }) => id === question)
      const value =
        asks?.kind === 'approval' && /^(yes|no)$/i.test(given) ? approval(given, asks.hash) : readValue(given)
      await giveAnswer(hands, api, run, { question, value })
      return carryOn(hands, run, options, () => hands.out.show({ ok: true }, () => 'Answered.'))
    },
  },
  asked('why', 'in plain words why it waits, failed, cost that much, took that path', '/why', whyText),
  {
    name: 'runs replay',
    takes: '<run>',
    says: 'decides again from what was recorded; calls no model and no tool',
    async run({ api, out }, [run = '']) {
      const replayed = await (await api()).call<Replayed>({ method: 'POST', path: at(run, '/replay'), body: {} })
      out.show(replayed, ({ identical, events, difference }) =>
        identical
          ? `Identical: ${events} events.`
          : safe(`It comes out differently:\n${JSON.stringify(difference, undefined, 2)}`),
      )
      return replayed.identical ? exitCodes.ok : exitCodes.failed
    },
  },
  {
    name: 'runs compare',
    takes: '<one> <other>',
    says: 'where two runs part',
    async run({ api, out }, [one = '', other = '']) {
      const found = await (await api()).call<unknown>({ path: at(one, `/compare/${part(other)}`) })
      out.show(found, (value) => safe(JSON.stringify(value, undefined, 2)))
      return undefined
    },
  },
  {
    name: 'runs fork',
    takes: '<run>',
    says: 'a new run that shares the beginning of another, and goes on with what you change',
    options: [['--at <seq>', 'after this event'], ['--edit <json>', '{ results, prompts, answers, model }'], leaving],
    async run(hands, [run = ''], options) {
      if (options.at === undefined)
        throw misused('runs fork needs --at.', `\`troupe runs events ${run}\` shows the numbers.`)
      const edit = options.edit === undefined ? undefined : readValue(String(options.edit))
      const body = { at: whole(options, 'at', 0), ...(edit === undefined ? {} : { edit }) }
      return begunFrom(hands, at(run, '/fork'), body, options)
    },
  },
  {
    name: 'runs retry',
    takes: '<run>',
    says: 'a new run that goes on where this one failed; what had succeeded is not done again',
    options: [
      ['--from <step>', 'from this failed step on'],
      ['--budget <json>', 'in place of the one that was used up'],
      leaving,
    ],
    async run(hands, [run = ''], options) {
      const budget = text(options, 'budget')
      const body = { from: text(options, 'from'), ...(budget === undefined ? {} : { budget: readValue(budget) }) }
      return begunFrom(hands, at(run, '/retry'), body, options)
    },
  },
  {
    name: 'runs undo',
    takes: '<run>',
    says: 'takes back what a run that is over did outside, the last effect first',
    options: [['--steps <ids>', 'only of these, with commas between']],
    async run({ api, out }, [run = ''], options) {
      const { effects } = await (await api({ code: true })).call<{ effects: readonly Undone[] }>({
        method: 'POST',
        path: at(run, '/undo'),
        body: { steps: listed(options, 'steps') },
      })
      out.table(
        effects,
        [
          { name: 'STEP', of: ({ step }) => step },
          { name: 'EFFECT', of: ({ effect }) => effect },
          { name: 'STATUS', of: ({ status }) => status },
          { name: 'ERROR', of: ({ error }) => error?.message ?? '' },
        ],
        'It did nothing outside.',
      )
      return effects.some(({ status }) => status === 'failed') ? exitCodes.failed : exitCodes.ok
    },
  },
  asked('export', 'one file, redacted, that another installation opens and replays', '/export'),
  {
    name: 'runs uncertain',
    takes: '<run>',
    says: 'effects of which nobody knows whether they happened',
    async run({ api, out }, [run = '']) {
      const { effects } = await (await api()).call<{ effects: readonly Uncertain[] }>({
        path: at(run, '/effects/uncertain'),
      })
      out.table(
        effects,
        [
          { name: 'STEP', of: ({ step }) => step },
          { name: 'CALL', of: ({ call }) => call },
          { name: 'EFFECT', of: ({ effect }) => effect },
        ],
        'Every effect is known to have happened or not.',
      )
      return undefined
    },
  },
  {
    name: 'runs settle',
    takes: '<run> <step> <call>',
    says: 'says of an uncertain effect whether it happened',
    options: [
      ['--happened', 'it did'],
      ['--not', 'it did not: it is carried out'],
      ['--output <json>', 'what it gave, where it happened'],
      leaving,
    ],
    async run(hands, [run = '', step = '', call = ''], options) {
      if ((options.happened === true) === (options.not === true)) throw misused('Say --happened or --not.')
      const output = options.output === undefined ? {} : { output: readValue(String(options.output)) }
      const body = { step, call, happened: options.happened === true, ...output }
      await (await hands.api({ code: true })).call({ method: 'POST', path: at(run, '/effects/settle'), body })
      return carryOn(hands, run, options, () => hands.out.show({ ok: true }, () => 'Settled.'))
    },
  },
]

const approval = (given: string, hash: string | undefined) => ({ approve: /^yes$/i.test(given), hash })
