/** What people, tools and models say to each other where a text alone does not do. */
import type { Json } from './values/json-value.ts'

export type ContentPart = TextPart | SourcePart

export type TextPart = { readonly type: 'text'; readonly text: string }

/** Where a model found what it says. */
export type SourcePart = {
  readonly type: 'source'
  readonly sourceType: 'url' | 'document'
  readonly id: string
  readonly url?: string
  readonly title?: string
  readonly mediaType?: string
  readonly filename?: string
  /** What the provider adds: the passage that is cited, for one. */
  readonly providerMetadata?: Json
}
