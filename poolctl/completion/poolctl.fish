# Completion of poolctl for fish: the program knows the candidates.
function __poolctl_complete
    set -l words (commandline -opc) (commandline -ct | string unescape)
    poolctl __complete $words[2..] 2>/dev/null
end
complete -c poolctl -f -a '(__poolctl_complete)'
