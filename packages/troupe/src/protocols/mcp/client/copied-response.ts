/** Returns a response with another body, and with the address and the redirection that no constructor sets. */
export function copiedResponse(
  { status, statusText, headers, url, redirected }: Response,
  body: ReadableStream<Uint8Array> | string,
): Response {
  const copy = new Response(body, { status, statusText, headers: [...headers] })
  return Object.defineProperties(copy, { url: { value: url }, redirected: { value: redirected } })
}
