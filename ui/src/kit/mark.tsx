/** The house's mark: a bow tie. Decorative wherever it stands; the name beside it is the text. */
export function Mark({ size = 20, className }: { size?: number; className?: string }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" className={className}>
      <path
        d="M2 7.3c0-1.1 1.1-1.8 2.1-1.3l6 2.9v6.2l-6 2.9c-1 .5-2.1-.2-2.1-1.3zM22 7.3c0-1.1-1.1-1.8-2.1-1.3l-6 2.9v6.2l6 2.9c1 .5 2.1-.2 2.1-1.3z"
        fill="var(--livery)"
      />
      <rect x="9.2" y="8.7" width="5.6" height="6.6" rx="1.7" fill="var(--brass-mark)" />
    </svg>
  );
}
