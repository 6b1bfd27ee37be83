/** The counts for limits: uses of each edge, and executing steps of each node. */
import { dict } from '../dict.ts'

export interface LimitsSlice {
  readonly busy: { [node: string]: number }
  readonly edgeUses: { [edge: number]: number }
}

export const createLimitsSlice = (): LimitsSlice => ({ busy: dict(), edgeUses: dict() })
