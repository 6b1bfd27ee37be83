/** The effects of one execution that have started and whose outcome is not in the record yet. */
import { isInCommitSet, type Stage } from '../turns/stages.ts'

/** One started effect. */
export interface EffectToken {
  readonly stage: Stage
}

export class EffectsInProgress {
  readonly #tokens = new Set<EffectToken>()
  /** The number of calls of the step that run outside the record: pure effects, functions of effects, reads. */
  working = 0

  get size(): number {
    return this.#tokens.size
  }

  begin(stage: Stage): EffectToken {
    const token = { stage }
    this.#tokens.add(token)
    return token
  }

  end(token: EffectToken): void {
    this.#tokens.delete(token)
  }

  /**
   * Returns the effects for which a commit of the stage waits: of the stage itself, and of stages that do not enclose
   * it.
   */
  before(stage: Stage, lineage: ReadonlySet<Stage>): readonly EffectToken[] {
    return [...this.#tokens].filter((token) => token.stage === stage || !lineage.has(token.stage))
  }

  /** Returns whether no effect is left whose stage the commit would include. */
  areOver(tokens: readonly EffectToken[], lineage: ReadonlySet<Stage>): boolean {
    return !tokens.some((token) => this.#tokens.has(token) && isInCommitSet(token.stage, lineage))
  }
}
