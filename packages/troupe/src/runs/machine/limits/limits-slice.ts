/** What limits count: uses of an edge, and steps of a node that execute. */
import { dict } from '../dict.ts'

export interface LimitsSlice {
  readonly busy: { [node: string]: number }
  readonly edgeUses: { [edge: number]: number }
}

export const createLimitsSlice = (): LimitsSlice => ({ busy: dict(), edgeUses: dict() })
