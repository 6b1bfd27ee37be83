/** Troupes on a clock that a test moves, closed together. */
import { createVirtualClock } from '../../core/index.ts'
import { createTroupe, type Troupe, type TroupeConfig } from '../../index.ts'
import type { LiveConfig } from '../../operations.ts'

const open: Troupe[] = []
export async function closeAll(): Promise<void> {
  for (const troupe of open.splice(0)) await troupe.close()
}

/** A virtual clock whose time may go on while timers stand: a loop that is held up. */
function createHeldClock() {
  const clock = createVirtualClock()
  let heldMs = 0
  return {
    ...clock,
    monotonic: () => clock.monotonic() + heldMs,
    hold(ms: number) {
      heldMs += ms
    },
  }
}
type HeldClock = ReturnType<typeof createHeldClock>

export interface Opened {
  readonly troupe: Troupe
  readonly clock: HeldClock
  readonly lines: string[]
}
export async function opened(config: Partial<TroupeConfig> = {}): Promise<Opened> {
  const clock = createHeldClock()
  const lines: string[] = []
  const log = { level: 'silent' as const, destination: { write: (line: string) => lines.push(line) } }
  const troupe = await createTroupe({ storage: 'memory:', clock, log, ...config })
  open.push(troupe)
  return { troupe, clock, lines }
}

/** Of a setting: what is changed, and what is seen of it before and after. */
export interface Trial {
  readonly config?: Partial<TroupeConfig>
  readonly changes: LiveConfig
  /** @returns what looks, twice */
  prepare(opened: Opened): () => Promise<unknown>
  readonly before: unknown
  readonly after: unknown
}
