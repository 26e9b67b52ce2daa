"""What the decision page and the sign-in page say: text id to (English, Korean)."""

TEXTS: dict[str, tuple[str, str]] = {
    "sign_in.title": ("Sign in", "로그인"),
    "sign_in.in": ("Sign in", "로그인"),
    "sign_in.out": ("Sign out", "로그아웃"),
    "sign_in.as": ("You are signed in as {actor}.", "{actor}(으)로 로그인되어 있습니다."),
    "sign_in.nobody": ("a reader without a name", "이름 없는 열람자"),
    "sign_in.continue": ("Continue", "계속하기"),
    "sign_in.token": ("API token", "API 토큰"),
    "sign_in.token_hint": (
        "A token of the tokens file, or the API token of this installation. It is not kept in your browser.",
        "토큰 파일에 등록된 토큰 또는 이 설치의 API 토큰을 입력해 주세요. 토큰은 브라우저에 저장되지 않습니다.",
    ),
    "sign_in.name": ("Your e-mail address", "이메일 주소"),
    "sign_in.name_hint": (
        "Only for a token that belongs to nobody. Without it you can read, but not decide.",
        "특정인에게 속하지 않은 토큰을 쓸 때만 필요합니다. 입력하지 않으면 열람만 할 수 있고 결정은 할 수 없습니다.",
    ),
    "sign_in.not_sent": (
        "This could not be read, or was not sent by this page. Open the page at its own address and try again.",
        "요청을 읽을 수 없거나 이 페이지에서 보낸 요청이 아닙니다. 주소를 직접 열어 다시 시도해 주세요.",
    ),
    "sign_in.wrong_token": ("This token opens nothing here.", "이 토큰으로는 로그인할 수 없습니다."),
    "sign_in.too_often": (
        "Too many wrong tries from your address. Wait a minute, then try again.",
        "같은 주소에서 잘못된 시도가 너무 많았습니다. 1분 뒤에 다시 시도해 주세요.",
    ),
    "sign_in.other_person": (
        "This token belongs to another person than the address that you gave. Leave the address empty.",
        "이 토큰은 입력하신 주소와 다른 사람의 것입니다. 주소를 비워 두고 다시 시도해 주세요.",
    ),
    "sign_in.bad_name": (
        "This is not the address of a person, such as alice@example.com.",
        "올바른 이메일 주소가 아닙니다. 예: alice@example.com",
    ),
    "decision.title": ("Decide: {alert}", "결정 요청: {alert}"),
    "decision.stale": (
        (
            "No worker answers now, so the actions and votes cannot be shown here. A vote is kept, and counts for exactly the "
            "request that this link was made for."
        ),
        (
            "지금 응답하는 워커가 없어 실행할 작업과 투표 현황을 보여 드릴 수 없습니다. 투표하시면 보관되며, "
            "이 링크가 만들어진 바로 그 요청에만 반영됩니다."
        ),
    ),
    "decision.dry_run": (
        "This is a dry run: even when it is approved, nothing will be changed.",
        "모의 실행입니다. 승인되어도 실제로 변경되는 것은 없습니다.",
    ),
    "decision.actions": ("What will run", "실행될 작업"),
    "decision.facts": ("About the alert", "알림 정보"),
    "decision.rule": ("Rule", "규칙"),
    "decision.target": ("Target", "대상"),
    "decision.key": ("Episode", "에피소드"),
    "decision.condition": ("Condition", "조건"),
    "decision.requested_by": ("Requested by", "요청자"),
    "decision.since": ("Firing since", "발생 시각"),
    "decision.runbook": ("Runbook", "런북"),
    "decision.labels": ("Labels", "레이블"),
    "decision.annotations": ("Annotations", "주석"),
    "decision.votes": ("Votes so far", "현재 투표 현황"),
    "decision.count_approve": ("Approvals: {votes} of {required}", "승인: 필요한 {required}표 중 {votes}표"),
    "decision.count_reject": ("Rejections: {votes} of {required}", "거절: 필요한 {required}표 중 {votes}표"),
    "decision.until": ("The request is open until {time}.", "이 요청의 마감 시각은 {time}입니다."),
    "decision.link_for": ("This link is for {actor}.", "이 링크는 {actor} 님을 위한 것입니다."),
    "decision.link_for_anybody": ("This link names nobody.", "이 링크에는 받는 사람이 지정되어 있지 않습니다."),
    "decision.link_until": ("It works for {minutes} more min.", "앞으로 {minutes}분 동안 사용할 수 있습니다."),
    "decision.yours": ("Your decision", "결정하기"),
    "decision.as": ("You decide as {actor}.", "{actor} 님의 이름으로 결정합니다."),
    "decision.as_anonymous": (
        "You decide without a name. All votes without a name together count as one.",
        "이름 없이 결정합니다. 이름 없는 투표는 모두 합쳐 한 표로 계산됩니다.",
    ),
    "decision.legend_approve": ("Approve it", "승인하기"),
    "decision.legend_reject": ("Reject it", "거절하기"),
    "decision.reason_approve": ("Reason (optional)", "사유 (선택)"),
    "decision.reason_reject": ("Reason", "사유 (필수)"),
    "decision.approve": ("Approve", "승인"),
    "decision.reject": ("Reject", "거절"),
    "decision.once": (
        "This link can be used once. Your reason is recorded and shown to others.",
        "이 링크는 한 번만 사용할 수 있습니다. 입력하신 사유는 기록되며 다른 사람에게도 보입니다.",
    ),
    "decision.sign_in": (
        "This link names nobody, so please sign in as a person who may vote. Then load this page again.",
        "이 링크에는 받는 사람이 지정되어 있지 않습니다. 투표 권한이 있는 계정으로 로그인하신 뒤 이 페이지를 새로 고쳐 주세요.",
    ),
    "decision.sign_in_link": ("Sign in (opens a new tab)", "로그인 (새 탭에서 열림)"),
    "decision.digest": ("Plan", "계획"),
    "decision.recorded": ("Your vote is recorded", "투표가 기록되었습니다"),
    "decision.you_approve": ("You approved.", "승인하셨습니다."),
    "decision.you_reject": ("You rejected.", "거절하셨습니다."),
    "decision.uncounted": (
        "Nobody has counted it yet, because no worker answers now. It is kept until one does.",
        "지금 응답하는 워커가 없어 아직 집계되지 않았습니다. 워커가 응답할 때까지 안전하게 보관됩니다.",
    ),
    "decision.status_pending": ("More votes are needed.", "아직 투표가 더 필요합니다."),
    "decision.status_approved": ("The request is approved.", "요청이 승인되었습니다."),
    "decision.status_rejected": ("The request is rejected.", "요청이 거절되었습니다."),
    "decision.follow": ("Follow the episode", "진행 상황 보기"),
    "decision.again": ("Send it again", "다시 보내기"),
    "decision.problem_forged": ("This link is not valid", "유효하지 않은 링크입니다"),
    "decision.advice_forged": (
        "Nothing was decided. Open the newest link that you were sent, whole, or ask for a new one.",
        "아무것도 결정되지 않았습니다. 가장 최근에 받으신 링크를 빠짐없이 열어 보시거나 새 링크를 요청해 주세요.",
    ),
    "decision.problem_expired": ("This link has expired", "만료된 링크입니다"),
    "decision.advice_expired": (
        (
            "Nothing was decided. A newer link is in the last reminder. Or decide in the console, or ask an operator for a new "
            "link (lumen link)."
        ),
        (
            "아무것도 결정되지 않았습니다. 마지막 알림 메시지에 새 링크가 있습니다. 콘솔에서 결정하시거나 운영자에게 새 링크"
            "(lumen link)를 요청하셔도 됩니다."
        ),
    ),
    "decision.problem_closed": ("This request is closed", "마감된 요청입니다"),
    "decision.advice_closed": (
        (
            "It was decided, has expired, or the alert is over; nothing more was decided now. If approval is asked for again, "
            "a new message brings a new link."
        ),
        (
            "이미 결정되었거나, 기한이 지났거나, 알림이 해소되었습니다. 이번에 새로 결정된 것은 없습니다. "
            "승인이 다시 필요해지면 새 메시지로 새 링크를 보내 드립니다."
        ),
    ),
    "decision.problem_used": ("Link already used", "이미 사용된 링크입니다"),
    "decision.advice_used": (
        "The first vote by this link stands, and this one was not recorded. To change it, use a newer link or the console.",
        "이 링크로 하신 첫 번째 투표가 유효하며, 이번 투표는 기록되지 않았습니다. 변경하시려면 새 링크나 콘솔을 이용해 주세요.",
    ),
    "decision.problem_plan_changed": ("The plan has changed", "계획이 변경되었습니다"),
    "decision.advice_plan_changed": (
        "What would run is not what this link was made for, so nothing was decided. A new message shows the new plan.",
        "링크가 만들어진 뒤 실행될 내용이 달라져 아무것도 결정되지 않았습니다. 새 메시지에서 변경된 계획을 확인해 주세요.",
    ),
    "decision.problem_not_allowed": ("You may not decide this", "이 요청을 결정할 권한이 없습니다"),
    "decision.advice_not_allowed": (
        "Your vote was not recorded. If you are on the list of approvers, sign in or use a link that is made for you.",
        "투표가 기록되지 않았습니다. 승인자 명단에 계시다면 로그인하시거나 본인 앞으로 발급된 링크를 이용해 주세요.",
    ),
    "decision.problem_rank_too_low": ("This way of deciding is not enough here", "이 방법으로는 결정할 수 없습니다"),
    "decision.advice_rank_too_low": (
        "Your vote was not recorded. This request wants to know more surely who you are: use Slack or sign in.",
        "투표가 기록되지 않았습니다. 이 요청은 더 확실한 본인 확인이 필요합니다. Slack을 이용하시거나 로그인해 주세요.",
    ),
    "decision.problem_temporal_unreachable": ("Not recorded: try again", "기록되지 않았습니다. 다시 시도해 주세요"),
    "decision.advice_temporal_unreachable": (
        "Lumen cannot reach its store now. Your vote was not confirmed; sending it again is harmless.",
        "지금 저장소에 연결할 수 없습니다. 투표가 확인되지 않았으며, 다시 보내셔도 중복되지 않습니다.",
    ),
    "decision.problem_foreign_origin": ("This came from another site", "다른 사이트에서 온 요청입니다"),
    "decision.advice_foreign_origin": (
        "Nothing was decided. Open the link itself and decide on its page.",
        "아무것도 결정되지 않았습니다. 링크를 직접 열어 그 페이지에서 결정해 주세요.",
    ),
    "decision.problem_stale_form": ("This page is too old", "페이지가 오래되었습니다"),
    "decision.advice_stale_form": (
        "Nothing was decided. Who is signed in has changed since the page was opened: open the link again.",
        "아무것도 결정되지 않았습니다. 페이지를 연 뒤 로그인 상태가 바뀌었습니다. 링크를 다시 열어 주세요.",
    ),
    "decision.problem_malformed": ("This cannot be recorded", "기록할 수 없는 내용입니다"),
    "decision.advice_malformed": (
        "Nothing was decided. Go back, and give a reason of at most 2000 characters; a rejection needs one.",
        "아무것도 결정되지 않았습니다. 이전 페이지에서 2000자 이내로 사유를 적어 주세요. 거절할 때는 사유가 꼭 필요합니다.",
    ),
    "decision.problem_other": ("This did not work", "처리하지 못했습니다"),
    "decision.advice_other": ("Nothing was decided.", "아무것도 결정되지 않았습니다."),
}
