/** Runs rows of the corpus on one storage: a troupe for each policy, some rows at once. */
import { seededRandom } from '../../src/core/index.ts'
import type { TroupeConfig } from '../../src/index.ts'
import type { Attack, Verdict } from './attack.ts'
import { runAttack } from './run-attack.ts'
import { openTestbed, type PolicyName, policies, type Testbed, victimOptions } from './testbed.ts'

export interface CorpusOptions {
  /** Gives the place of another database at each call. */
  readonly storage: () => TroupeConfig['storage']
  /** In the report. */
  readonly storageName: string
  /** In place of the stated policies: a defence that is switched off. */
  readonly config?: Partial<TroupeConfig>
  readonly concurrency?: number
  /** Called after each row. */
  readonly progress?: (done: number, total: number) => void
}

export async function runCorpus(
  attacks: readonly Attack[],
  { storage, storageName, config, concurrency = 6, progress }: CorpusOptions,
): Promise<Verdict[]> {
  const testbeds = new Map<string, Promise<Testbed>>()
  const testbedOf = (policy: string) => {
    const known = testbeds.get(policy)
    if (known) return known
    const opened = openTestbed(
      storage(),
      { ...policies[policy as PolicyName], ...config },
      victimOptions[policy],
      storage,
    )
    testbeds.set(policy, opened)
    return opened
  }
  const verdicts: Verdict[] = []
  const queue = [...attacks]
  const work = async () => {
    for (let attack = queue.shift(); attack; attack = queue.shift()) {
      verdicts.push(await runAttack(attack, await testbedOf(attack.policy), storageName))
      progress?.(verdicts.length, attacks.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, work))
  } finally {
    for (const testbed of testbeds.values()) await (await testbed).close()
  }
  return verdicts
}

/** A part of the rows, the same for the same seed: at least one of each channel, then by chance. */
export function sample(
  attacks: readonly Attack[],
  { share, seed }: { readonly share: number; readonly seed: string },
): Attack[] {
  const random = seededRandom(seed)
  const channelsSeen = new Set<string>()
  const shuffled = attacks.map((attack) => ({ attack, at: random.next() })).sort((a, b) => a.at - b.at)
  return shuffled
    .filter(({ attack: { channel, expected } }, i) => {
      const first = !channelsSeen.has(`${channel} ${expected}`)
      channelsSeen.add(`${channel} ${expected}`)
      return first || i < attacks.length * share
    })
    .map(({ attack }) => attack)
}
