/** Whether a person approves a call before it: only an answer of true or false of the tool's function decides. */
import { checkPredicate } from '../core/index.ts'
import type { Tool } from './define-tool.ts'

/**
 * Returns whether a call with this input needs an approval.
 * @throws ValidationError if the function of the tool gave neither true nor false: a call must not pass without an
 * approval because its function returned nothing
 */
export async function needsApproval({ name, needsApproval: needed }: Tool, input: unknown): Promise<boolean> {
  return typeof needed === 'function' ? checkPredicate(`needsApproval of ${name}`, await needed(input)) : needed
}
