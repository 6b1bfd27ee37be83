/** A setting. */
import type { SettingKind } from './setting-kinds.ts'

export interface Setting {
  /** Its place in the configuration. */
  readonly path: string
  readonly kind: SettingKind
  readonly description: string
  /** The default; absent if there is none. */
  readonly standard?: unknown
  /** Where its variable is not made from its path. */
  readonly variable?: string
  /** May change while running. */
  readonly live?: true
}
