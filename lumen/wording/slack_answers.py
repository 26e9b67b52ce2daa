"""What Slack tells the one person who pressed a button: text id to (English, Korean)."""

TEXTS: dict[str, tuple[str, str]] = {
    "slack.answer.counted.approve": ("Your approval is recorded.", "승인이 기록되었습니다."),
    "slack.answer.counted.reject": ("Your rejection is recorded.", "거절이 기록되었습니다."),
    "slack.answer.status.pending": (
        "Now {approve} of {approve_needed} approvals and {reject} of {reject_needed} rejections.",
        "현재 승인 {approve}/{approve_needed}, 거절 {reject}/{reject_needed}입니다.",
    ),
    "slack.answer.status.approved": (
        "That decides it: approved ({approve} of {approve_needed}).",
        "이로써 승인으로 결정되었습니다({approve}/{approve_needed}).",
    ),
    "slack.answer.status.rejected": (
        "That decides it: rejected ({reject} of {reject_needed}).",
        "이로써 거절로 결정되었습니다({reject}/{reject_needed}).",
    ),
    "slack.answer.stored": (
        "Your vote is stored safely, but no worker has counted it yet. The message above will show it once it is counted.",
        "투표가 안전하게 저장되었지만 아직 집계되지 않았습니다. 집계되면 위 메시지에 표시됩니다.",
    ),
    "slack.answer.not_recorded": ("Your vote was NOT recorded. {why}", "투표가 기록되지 않았습니다. {why}"),
    "slack.answer.unsure": (
        "Lumen cannot tell yet whether your vote was recorded. It keeps trying and will tell you. Voting again does no harm.",
        "투표가 기록되었는지 아직 알 수 없습니다. 계속 확인하여 알려 드리겠습니다. 다시 투표하셔도 괜찮습니다.",
    ),
    "slack.answer.never_known": (
        "Lumen could not find out whether your vote was recorded. Look at the console, and vote again if it is missing.",
        "투표가 기록되었는지 확인하지 못했습니다. 위 메시지나 콘솔을 확인하시고, 투표가 없으면 다시 투표해 주세요.",
    ),
    "slack.answer.closed_meanwhile": (
        "This request was closed while Lumen tried to record your vote. The message above shows the votes that counted.",
        "투표를 기록하는 동안 이 요청이 종료되었습니다. 집계된 투표는 위 메시지에 표시됩니다.",
    ),
    "slack.answer.temporal": (
        "Lumen cannot reach its Temporal server now. Try again in a minute.",
        "지금은 Temporal 서버에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.",
    ),
    "slack.answer.failed": (
        "Lumen failed on it, and its log says why. Vote in the console instead.",
        "처리 중 오류가 발생했습니다. 원인은 로그에 있습니다. 콘솔에서 투표해 주세요.",
    ),
    "slack.answer.late": (
        "This click reached Lumen too late. Press the button again.",
        "클릭이 너무 늦게 전달되었습니다. 버튼을 다시 눌러 주세요.",
    ),
    "slack.answer.slack": (
        "Slack did not tell Lumen in time who you are. Try again in a minute, or vote in the console.",
        "Slack에서 사용자 정보를 제때 받지 못했습니다. 잠시 후 다시 시도하거나 콘솔에서 투표해 주세요.",
    ),
    "slack.answer.form.failed": (
        "Slack did not open the form for the reason. Press Reject again.",
        "거절 사유 입력 창을 열지 못했습니다. 거절 버튼을 다시 눌러 주세요.",
    ),
    "slack.answer.form.expired": (
        "The form for the reason came too late for Slack. Press Reject again.",
        "거절 사유 입력 창을 여는 시간이 초과되었습니다. 거절 버튼을 다시 눌러 주세요.",
    ),
    "slack.answer.form.title": ("Reject", "거절"),
    "slack.answer.form.submit": ("Reject", "거절"),
    "slack.answer.form.close": ("Back", "뒤로"),
    "slack.answer.form.text": (
        "Your rejection counts as one vote. Everybody who follows this alert sees the reason, and it goes into the ledger.",
        "거절은 한 표로 집계됩니다. 사유는 이 알림을 보는 모든 사람에게 표시되고 원장에 남습니다.",
    ),
    "slack.answer.form.label": ("Reason", "사유"),
    "slack.answer.form.empty": ("Say why: a reason is needed.", "거절 사유를 입력해 주세요."),
    "slack.answer.who.bot": ("Bots cannot vote.", "봇은 투표할 수 없습니다."),
    "slack.answer.who.deleted": (
        "Your Slack account is deactivated.",
        "비활성화된 Slack 계정입니다.",
    ),
    "slack.answer.who.guest": (
        "Guests of this workspace cannot vote.",
        "이 워크스페이스의 게스트는 투표할 수 없습니다.",
    ),
    "slack.answer.who.foreign": (
        "Only members of this workspace can vote, and you belong to another one.",
        "이 워크스페이스의 구성원만 투표할 수 있습니다. 다른 워크스페이스에 속해 있습니다.",
    ),
    "slack.answer.who.no_email": (
        "Slack does not tell Lumen your e-mail address. Ask whoever runs Lumen to bind your Slack id to you in policy.yaml.",
        "Slack에서 이메일 주소를 받지 못했습니다. Lumen 운영자에게 policy.yaml에 Slack ID를 등록해 달라고 요청해 주세요.",
    ),
    "slack.answer.who.unconfirmed": (
        "Your e-mail address is not confirmed in Slack. Confirm it there, then decide again.",
        "Slack에서 이메일 주소가 확인되지 않았습니다. Slack에서 주소를 확인한 뒤 다시 결정해 주세요.",
    ),
    "slack.answer.who.other": (
        "The policy binds your e-mail address to another Slack account. Ask whoever runs Lumen to correct policy.yaml.",
        "정책에 이 이메일 주소가 다른 Slack 계정으로 등록되어 있습니다. Lumen 운영자에게 policy.yaml 수정을 요청해 주세요.",
    ),
    "slack.answer.who.unknown": (
        "Slack does not know you, so Lumen does not either. Vote in the console.",
        "Slack에서 사용자를 확인할 수 없습니다. 콘솔에서 투표해 주세요.",
    ),
    "slack.answer.refused.closed": (
        "This request is closed: it was decided, it expired, or the alert asks anew in a newer message.",
        "이 요청은 종료되었습니다. 이미 결정되었거나 만료되었거나 새 메시지로 다시 요청되었습니다.",
    ),
    "slack.answer.refused.plan_changed": (
        "The plan changed since this was shown. Look at the newest message and vote there.",
        "표시된 이후 계획이 변경되었습니다. 최신 메시지를 확인하고 다시 투표해 주세요.",
    ),
    "slack.answer.refused.not_allowed": (
        "{actor} may not decide about this alert.",
        "{actor} 님은 이 알림에 대해 결정할 권한이 없습니다.",
    ),
    "slack.answer.refused.rank_too_low": (
        "This rule wants a stronger sign-in than Slack. Vote in the console.",
        "이 규칙은 Slack보다 강한 인증이 필요합니다. 콘솔에서 투표해 주세요.",
    ),
    "slack.answer.refused.forged": (
        "The worker does not accept the signature of this API: both need the same BRIDGE_SECRET.",
        "워커가 API의 서명을 받아들이지 않았습니다. 양쪽의 BRIDGE_SECRET이 같아야 합니다.",
    ),
    "slack.answer.refused.used": ("This was used already.", "이미 사용되었습니다."),
    "slack.answer.refused.expired": ("This has expired.", "만료되었습니다."),
    "slack.answer.refused.malformed": (
        "The vote holds characters that cannot be recorded. Type the reason again.",
        "기록할 수 없는 문자가 포함되어 있습니다. 사유를 다시 입력해 주세요.",
    ),
    "slack.answer.refused.other": (
        "The episode refuses it. Look at the console.",
        "처리가 거부되었습니다. 콘솔을 확인해 주세요.",
    ),
}
