/** Files that go with a message: chosen, listed, and taken back. */
import { useState } from 'react'
import { visible } from '../visible.ts'
import { Button, Text } from './ui.tsx'

/** As a file part of content has it. */
export interface ChosenFile {
  readonly mediaType: string
  /** Base64. */
  readonly data: string
  readonly filename: string
}

/** Bytes of all files together: in base64 they are a third longer, and a request holds 10 MiB. */
const maxBytes = 6 * 1024 * 1024

const read = (file: File): Promise<ChosenFile> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onerror = () => reject(reader.error)
    reader.onload = () =>
      resolve({
        mediaType: file.type || 'application/octet-stream',
        data: String(reader.result).split(',')[1] ?? '',
        filename: file.name,
      })
    reader.readAsDataURL(file)
  })

interface FileChooserProps {
  readonly files: readonly ChosenFile[]
  readonly onChange: (files: readonly ChosenFile[]) => void
}

export function FileChooser({ files, onChange }: FileChooserProps) {
  const [problem, setProblem] = useState('')
  const add = async (chosen: readonly File[]) => {
    const bytes =
      chosen.reduce((sum, { size }) => sum + size, 0) + files.reduce((sum, { data }) => sum + data.length * 0.75, 0)
    if (bytes > maxBytes) return setProblem('The files of a message have 6 MB at most.')
    setProblem('')
    onChange([...files, ...(await Promise.all(chosen.map(read)))])
  }
  return (
    <>
      <label className="button soft file-button">
        Attach files
        <input
          type="file"
          multiple
          onChange={({ target }) => {
            void add([...(target.files ?? [])]).catch((error: Error) => setProblem(error.message))
            target.value = ''
          }}
        />
      </label>
      {files.map((file, i) => (
        <Button
          // biome-ignore lint/suspicious/noArrayIndexKey: two files can have the same name
          key={i}
          small
          look="soft"
          aria-label={`Take back ${visible(file.filename)}`}
          onClick={() => onChange(files.filter((one) => one !== file))}
        >
          {visible(file.filename)} ✕
        </Button>
      ))}
      <span role="status">{problem && <Text color="red">{problem}</Text>}</span>
    </>
  )
}
