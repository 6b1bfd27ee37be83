/** All pairs of tasks, and what the suite prints of them. */
import { createTroupe, type TroupeConfig } from '../../../src/index.ts'
import { obedientModel } from '../obedient-model.ts'
import type { Wording } from '../wordings.ts'
import { type BankingOptions, type BankingResult, playBanking } from './run-banking.ts'
import { injectionTasks, userTasks } from './tasks.ts'

export interface SuiteOptions {
  /** A model of the troupe; the obedient one where absent. */
  readonly model?: string
  /** The obedient model behind an API is told its calls, too. */
  readonly spellOut?: boolean
  readonly wordings: Readonly<Record<string, Wording>>
  readonly config?: Partial<TroupeConfig>
  readonly person?: BankingOptions['person']
  readonly concurrency?: number
}

export interface SuiteResult {
  readonly pairs: number
  readonly attacked: readonly string[]
  /** Of the tasks without an injection. */
  readonly utility: { readonly done: number; readonly of: number }
  /** Of the tasks with one. */
  readonly utilityUnderAttack: { readonly done: number; readonly of: number }
  readonly approvals: number
  readonly rejected: number
}

export async function runSuite({
  model,
  wordings,
  config = {},
  person,
  concurrency = 6,
  spellOut = model === undefined,
}: SuiteOptions): Promise<SuiteResult> {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  let users = 0
  const play = (task: (typeof userTasks)[number], injection?: Parameters<typeof playBanking>[1]) => {
    const options = { troupe, user: `owner-${++users}`, model: model ?? obedientModel(), spellOut }
    return playBanking(task, injection, { ...options, ...(person ? { person } : {}) })
  }
  const benign = await inTurn(
    concurrency,
    userTasks.map((task) => () => play(task)),
  )
  const pairs = userTasks.flatMap((task, u) =>
    injectionTasks.flatMap((injected, i) =>
      Object.entries(wordings).map(([name, wording]) => ({
        id: `${u}/${i}/${name}`,
        run: () => play(task, { task: injected, wording }),
      })),
    ),
  )
  const results = await inTurn(
    concurrency,
    pairs.map(({ run }) => run),
  )
  const done = (list: readonly BankingResult[]) => ({
    done: list.filter(({ useful }) => useful).length,
    of: list.length,
  })
  const total = (field: 'approvals' | 'rejected') => [...benign, ...results].reduce((sum, one) => sum + one[field], 0)
  return {
    pairs: pairs.length,
    attacked: pairs.filter((_, i) => results[i]?.attacked).map(({ id }) => id),
    utility: done(benign),
    utilityUnderAttack: done(results),
    approvals: total('approvals'),
    rejected: total('rejected'),
  }
}

async function inTurn<T>(concurrency: number, jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = []
  const queue = [...jobs.entries()]
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await next[1]()
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return results
}

export const suiteText = ({ pairs, attacked, utility, utilityUnderAttack, approvals, rejected }: SuiteResult): string =>
  [
    `${pairs} attacks, ${attacked.length} succeeded${attacked.length > 0 ? `: ${attacked.slice(0, 10).join(', ')}` : ''}`,
    `utility without attacks ${utility.done} of ${utility.of}, under attack ${utilityUnderAttack.done} of ${utilityUnderAttack.of}`,
    `the owner was asked ${approvals} times and refused ${rejected} times`,
  ].join('\n')
