/** Constants that are costly to create. */

/**
 * Returns a function that creates the value at its first call, so that an import does not cost what may never be used.
 * @example const segmenter = lazy(() => new Intl.Segmenter('en')); segmenter().segment(text)
 */
export function lazy<Value>(create: () => Value): () => Value {
  let created: { readonly value: Value } | undefined
  return () => {
    created ??= { value: create() }
    return created.value
  }
}
